import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { envelopeDigest } from '#protocol/envelope.ts';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { NotedTracer } from '#runtime/testing/noted-tracer.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { until } from '../testing/until.ts';
import { AnswerTraces } from './answer-traces.ts';
import { Outbox } from './outbox.ts';
import { recordAnswers } from './recorder.ts';
import { Sender } from './sender.ts';

const log = createLogger({ name: 'test', level: 'error', format: 'json' });
const { privateKey: signingKey } = generateKeyPairSync('ed25519');
const HOUR_MS = 3_600_000;

const host = {
  kind: 'reference',
  bundle: { digest: 'a'.repeat(64), manifest: { model: 'counter' } },
} as const;
const timings = { prepareMs: 2, encryptMs: 10, evaluateMs: 100 };

/** What a gateway does once an answer is there: outbox and sender are real, the broker is not. */
async function bench(directory?: string) {
  const clock = new SimulatedClock(Date.now());
  const tracer = new NotedTracer();
  const traces = new AnswerTraces({ tracer, site: 'yard', gateway: 'gate', clock });
  const outbox = await Outbox.open({
    ...{ directory: directory ?? (await temporaryDirectory()), maxBytes: 1e9, maxAgeMs: 1e9, clock, log },
  });
  const digests: string[] = [];
  let next = 0;
  const sessions = {
    isTaken: () => false,
    take: (count: number) => {
      next += count;
      return { session: 9, sequence: next - count };
    },
  };
  const link = {
    connected: true,
    publish: async (_: string, payload: Uint8Array | string) => {
      digests.push(envelopeDigest(payload as Uint8Array));
    },
  };
  const topic = (camera: string) => camera;
  const sender = new Sender({ outbox, link, topic, signingKey, sessions, traces, clock, log });
  const record = async (...cameras: string[]) => {
    const readyTimeMs = clock.now() - 20;
    const answers = cameras.map((camera, i) => ({
      ...{ camera, frameTimeMs: readyTimeMs - 500 + i, preparedTimeMs: readyTimeMs - 200, readyTimeMs },
      ...{ host, timings },
    }));
    const openings = { keep: () => ({ answer: '', bytes: 0, stored: Promise.resolve() }) };
    const options = { site: 'yard', gateway: 'gate', signingKey, sessions, outbox, openings, sender, traces };
    const isKept = await recordAnswers({ answers, ciphertext: new Uint8Array(2000), opening: null }, options);
    expect(isKept).toBe(true);
  };
  const spansOf = (sequence: number) => tracer.of({ site: 'yard', gateway: 'gate', session: 9, sequence });
  const sent = (count: number) => until(`${count} were sent`, () => digests.length === count);
  return { clock, tracer, outbox, sender, digests, sent, record, spansOf, link };
}

describe('traces of a gateway', () => {
  it('say of an answer when it was where, from the picture to the receipt', async () => {
    const { clock, sender, record, spansOf, sent, digests } = await bench();
    sender.backendChanged(1);
    await record('door');
    await sent(1);
    const storedMs = clock.now();
    await clock.advance(300);
    await sender.received([digests[0]!]);
    const readyMs = storedMs - 20;
    const facts = { camera: 'door', network: 'counter' };
    const sending = { camera: 'door', bytes: expect.any(Number) };
    const expected = [
      ['capture', readyMs - 500, readyMs - 202, facts],
      ['prepare', readyMs - 202, readyMs - 200, facts],
      ['encrypt', readyMs - 110, readyMs - 100, facts],
      ['evaluate', readyMs - 100, readyMs, facts],
      ['answer', readyMs - 500, storedMs, { gateway: 'gate', ...facts }],
      ['outbox', storedMs, storedMs, sending],
      ['publish', storedMs, storedMs + 300, sending],
    ] as const;
    expect(spansOf(0)).toEqual(
      expected.map(([stage, fromMs, toMs, about]) => ({
        ...{ stage, fromMs, toMs, facts: about, isRoot: stage === 'answer' },
      })),
    );
  });

  it('are one for all answers that were gathered, each with its own way', async () => {
    const { record, spansOf, tracer } = await bench();
    await record('door', 'hall', 'door');
    await record('door');
    expect(tracer.places).toEqual(['yard gate 9 0', 'yard gate 9 3']);
    const stages = Map.groupBy(spansOf(0), ({ stage }) => stage);
    for (const stage of ['capture', 'prepare', 'encrypt', 'evaluate', 'gather'] as const)
      expect(stages.get(stage)?.map(({ facts }) => facts.camera)).toEqual(['door', 'hall', 'door']);
    expect(stages.get('answer')).toMatchObject([
      { isRoot: true, fromMs: stages.get('capture')![0]!.fromMs, facts: { camera: 'door' } },
    ]);
    expect(spansOf(3).map(({ stage }) => stage)).not.toContain('gather');
  });

  it('of an answer that waited for hours, in the outbox of a process that is gone, go on with the same name', async () => {
    const directory = await temporaryDirectory();
    const first = await bench(directory);
    first.link.connected = false;
    await first.record('door');
    expect(first.spansOf(0).map(({ stage }) => stage)).toEqual([
      ...['capture', 'prepare', 'encrypt', 'evaluate', 'answer'],
    ]);
    const second = await bench(directory);
    await second.clock.advance(5 * HOUR_MS);
    second.sender.backendChanged(1);
    await second.sent(1);
    await second.sender.received(second.digests);
    const [outbox, publish, ...more] = second.spansOf(0);
    expect(more).toEqual([]);
    expect(publish).toMatchObject({ stage: 'publish' });
    expect(outbox!.toMs - outbox!.fromMs).toBeGreaterThan(4 * HOUR_MS);
  });

  it('end in the outbox where a receipt comes for what was not sent on this connection', async () => {
    const { sender, record, spansOf, sent, digests, link } = await bench();
    sender.backendChanged(1);
    await record('door');
    await sent(1);
    link.connected = false;
    sender.linkUp();
    await sender.received([digests[0]!]);
    expect(
      spansOf(0)
        .map(({ stage }) => stage)
        .slice(-2),
    ).toEqual(['answer', 'outbox']);
  });

  it('are of nobody who is not traced', async () => {
    const { tracer, record, sender, sent } = await bench();
    tracer.isTraced = ({ sequence }) => sequence === 1;
    sender.backendChanged(1);
    await record('door');
    await record('door');
    await sent(2);
    expect(tracer.places).toEqual(['yard gate 9 1']);
  });
});
