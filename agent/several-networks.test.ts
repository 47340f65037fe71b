import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signConfiguration } from '#protocol/configuration.ts';
import { makeBundle, makeNetwork, type TestBundle } from './testing/make-bundle.ts';
import { RtspServer } from './testing/rtsp-server.ts';
import { TestBackend } from './testing/test-backend.ts';
import { TestSite } from './testing/test-site.ts';
import { until } from './testing/until.ts';

let server: RtspServer;
let site: TestSite;
let backend: TestBackend;
let counter: TestBundle;
let carpark: TestBundle;

const cameraOf = (name: string, more = '') =>
  `  - { name: ${name}, url: "rtsp://127.0.0.1:${server.port}/live", rate: 5${more} }`;

beforeAll(async () => {
  server = await RtspServer.start();
  site = await TestSite.create([cameraOf('front'), cameraOf('lot', ', network: carpark')].join('\n'));
  const { privateKey } = site.owner;
  counter = makeBundle(await makeNetwork('inner'), privateKey, { model: 'counter' });
  carpark = makeBundle(await makeNetwork('rotate-inner'), privateKey, {
    model: 'carpark',
    beside: true,
    counter: 2,
  });
  await site.startBroker();
  backend = await TestBackend.connect(site);
  await backend.announce('online');
  site.startAgent();
});

afterAll(async () => {
  await backend?.close();
  await site?.close();
  await server?.stop();
});

/** Waits for an answer about a camera that comes from now on. @returns the bundle that it was computed with */
async function answeredBy(camera: string): Promise<string> {
  const from = backend.envelopes.length;
  const answer = await until(`an answer about ${camera}`, () =>
    backend.envelopes.slice(from).find((envelope) => envelope.camera === camera),
  );
  return answer.bundle;
}
const stateOf = (camera: string) => backend.cameras.findLast((state) => state.camera === camera);

/** One story: each step starts where the one before it ended. */
describe('two networks on a gateway', () => {
  it('answers about the one camera and takes no picture of the other while its network is not there', async () => {
    await backend.deploy(counter);
    expect(await answeredBy('front')).toBe(counter.digest);
    const held = await until('a reason', () =>
      stateOf('lot')?.state === 'no-network' ? stateOf('lot') : null,
    );
    expect(held).toMatchObject({ network: 'carpark', captureRate: 0 });
    expect(held?.detail).toContain('blindsight deploy carpark gate-1 --beside');
    expect(backend.envelopes.some(({ camera }) => camera === 'lot')).toBe(false);
  });

  it('answers about each camera with its own network', async () => {
    await backend.deploy(carpark);
    expect(await answeredBy('lot')).toBe(carpark.digest);
    expect(await answeredBy('front')).toBe(counter.digest);
    await until('a state', () => stateOf('lot')?.state === 'streaming');
    const networks = [{ network: 'carpark', status: 'active', active: carpark.digest }];
    await until('a report', () => backend.reports.at(-1)?.networks?.[0]?.status === 'active');
    expect(backend.reports.at(-1)).toMatchObject({ bundle: { active: counter.digest }, networks });
  });

  it('goes on with both after a power cut, and fetches neither again', async () => {
    await site.stopAgent('SIGKILL');
    backend.requests.length = 0;
    site.startAgent();
    expect(await answeredBy('lot')).toBe(carpark.digest);
    expect(await answeredBy('front')).toBe(counter.digest);
    expect(backend.requests).toEqual([]);
  });

  it('gives a camera to another network by settings from afar', async () => {
    const settings = [
      'inference: { interpreter: reference }',
      'cameras:',
      cameraOf('front'),
      cameraOf('lot'),
    ];
    const configuration = {
      schema: 1,
      ...{ site: 'town', gateway: 'gate-1', version: 1, createdMs: Date.now() },
      ...{ settings: settings.join('\n'), credentials: [] },
    } as const;
    await backend.push(signConfiguration(configuration, site.owner.privateKey));
    await until('no other network', () => backend.reports.at(-1)?.networks?.length === 0);
    // Answers of before may still be on their way.
    await until('an answer', async () => (await answeredBy('lot')) === counter.digest);
    await until('a state', () => stateOf('lot')?.network === undefined);
  });
});
