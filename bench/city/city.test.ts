import { expect, it } from 'vitest';
import { benchCity } from './city.ts';
import { planCity } from './city-plan.ts';

it.each([
  { broker: 'aedes', store: 'sqlite', queue: 'inbox', decryptors: 0 },
  { broker: 'nats', store: 'postgresql', queue: 'inbox', decryptors: 2 },
  { broker: 'nats', store: 'postgresql', queue: 'jetstream', decryptors: 2 },
] as const)(
  'runs a small city on $broker and $store, its queue in the $queue, with $decryptors decryptors: all that is offered is stored, once',
  async ({ broker, store, queue, decryptors }) => {
    const said = new Set<string>();
    const report = await benchCity({
      ...{ gateways: 3, rate: 2, seconds: 2, signal: new AbortController().signal },
      ...{ broker, store, queue, decryptors },
      onProgress: (text) => said.add(text),
    });
    const { cpuSecondsPerThousand, plan } = report;
    expect(report).toMatchObject({ queue, gateways: 3, offered: 12, stored: 12, lost: 0, twice: 0 });
    expect(report.bytesPerAnswer).toBeGreaterThan(1000);
    expect(cpuSecondsPerThousand.verify).toBeGreaterThan(0);
    expect(plan.map(({ gateways }) => gateways)).toEqual([1000, 10_000, 100_000]);
    expect([...said]).toContain('restarting the broker');
  },
  600_000,
);

it('has all answers of the others stored once while one more gateway floods', async () => {
  const report = await benchCity({
    ...{ gateways: 3, rate: 2, seconds: 3, signal: new AbortController().signal, flood: 300 },
    ...{ broker: 'aedes', store: 'sqlite', onProgress: () => {} },
  });
  expect(report).toMatchObject({
    offered: 18,
    lost: 0,
    twice: 0,
    flood: { perSecond: 300, offered: 18, lost: 0 },
  });
  expect(report.flood!.sent).toBeGreaterThan(3 * 18);
}, 600_000);

it('stops where it is told to', async () => {
  const stop = new AbortController();
  const run = benchCity({
    ...{ gateways: 3, rate: 2, seconds: 600, signal: stop.signal },
    ...{ broker: 'aedes', store: 'sqlite', decryptors: 0 },
    onProgress: (text) => {
      if (text === 'warming up') stop.abort(new Error('enough'));
    },
  });
  await expect(run).rejects.toThrow('enough');
}, 600_000);

it('plans machines, network and disk from what an answer costs', () => {
  const costs = {
    cpuSecondsPerThousand: { broker: 0.5, verify: 0.25, decrypt: 0.75, store: 0.9 },
    ...{ bytesPerAnswer: 12_000, diskBytesPerAnswer: 1000 },
  };
  const [thousand, , city] = planCity(costs, 2);
  expect(thousand).toMatchObject({ gateways: 1000, machines: 2, networkMegabytesPerSecond: 12 });
  expect(thousand!.diskGigabytesPerDay).toBeCloseTo(86.4);
  expect(city).toMatchObject({ gateways: 100_000, machines: 200, networkMegabytesPerSecond: 1200 });
});
