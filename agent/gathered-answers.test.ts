import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repeatingProgram, testParameters } from '#fhe/testing';
import { signConfiguration } from '#protocol/configuration.ts';
import { answersOf, countAnswers, GATHERED_ENVELOPE } from '#protocol/envelope.ts';
import { GatheredCount } from './outbox/gathered-count.ts';
import { makeBundle, networkOf } from './testing/make-bundle.ts';
import { RtspServer } from './testing/rtsp-server.ts';
import { TestBackend } from './testing/test-backend.ts';
import { TestSite } from './testing/test-site.ts';
import { until } from './testing/until.ts';

const PLACES = 16;

let camera: RtspServer;
let site: TestSite;
let backend: TestBackend;

beforeAll(async () => {
  camera = await RtspServer.start();
  site = await TestSite.create(cameraLine('front', 20));
  const file = join(site.directory, 'agent.yaml');
  const config = await readFile(file, 'utf8');
  const inference = 'inference: { interpreter: engine, threads: 1 }\nanswers: { togetherSeconds: 60 }';
  await site.write('agent.yaml', config.replace(/^inference:.*$/m, inference));
  const network = await networkOf(repeatingProgram(testParameters(4096, 2, { bits: 30 }), 1024 / PLACES));
  await site.startBroker();
  backend = await TestBackend.connect(site);
  await backend.announce('online', GATHERED_ENVELOPE);
  await backend.deploy(makeBundle(network, site.owner.privateKey));
});

afterAll(async () => {
  await backend?.close();
  await site?.close();
  await camera?.stop();
});

const cameraLine = (name: string, rate: number) =>
  `  - { name: ${name}, url: "rtsp://127.0.0.1:${camera.port}/live", rate: ${rate} }`;

async function push(version: number, ...cameras: readonly string[]): Promise<void> {
  const settings = [
    'inference: { interpreter: engine, threads: 1 }',
    'answers: { togetherSeconds: 60 }',
    'healthSeconds: 1',
    'cameras:',
    ...cameras,
  ].join('\n');
  const configuration = { site: 'town', gateway: 'gate-1', version, createdMs: Date.now(), settings };
  await backend.push(
    signConfiguration({ schema: 1, ...configuration, credentials: [] }, site.owner.privateKey),
  );
  await until(`version ${version}`, () =>
    backend.reports.some(
      ({ configuration: reported }) => reported?.version === version && reported.status === 'applied',
    ),
  );
}

const noted = async () => (await GatheredCount.open(join(site.directory, 'data', 'outbox'))).lost;
const dropped = () => backend.health.at(-1)?.outbox.dropped;
/** Of the last session. */
const numbers = () => {
  const answers = backend.envelopes.flatMap(answersOf);
  const session = Math.max(...answers.map((answer) => answer.session));
  return answers.filter((answer) => answer.session === session).map(({ sequence }) => sequence);
};
const inOrder = (sequences: readonly number[]) =>
  expect(sequences).toEqual([...sequences.keys()].map((index) => index + 1));

/** One story: each step starts where the one before it ended. */
describe('a gateway whose answers wait for others', () => {
  it('sends as many as there is room for in one envelope, numbered one after the other', async () => {
    site.startAgent();
    // Of a busy machine pictures may have the same time: the second one has to wait in another envelope.
    await until('a full envelope', () => backend.envelopes.some((one) => countAnswers(one) === PLACES));
    expect(Math.max(...backend.envelopes.map(countAnswers))).toBe(PLACES);
    inOrder(numbers());
  });

  it('sends what waits at once when cameras change', async () => {
    // So slowly that nothing becomes full or due meanwhile.
    await push(1, cameraLine('front', 1), cameraLine('yard', 1));
    await until('some that wait', async () => (await noted()) >= 3);
    const before = backend.envelopes.length;
    await push(2, cameraLine('yard', 1));
    // A slow change finds an envelope that is full by then, and comes after it.
    await until('them', () => backend.envelopes.slice(before).some((one) => countAnswers(one) < PLACES));
    inOrder(numbers());
  });

  it('loses none when it ends', async () => {
    await until('some that wait', async () => (await noted()) >= 2);
    const { length } = backend.envelopes;
    await site.stopAgent('SIGTERM');
    expect(await noted()).toBe(0);
    site.startAgent();
    await until('them', () => backend.envelopes.length > length);
    expect(countAnswers(backend.envelopes[length]!)).toBeGreaterThanOrEqual(2);
    inOrder(
      backend.envelopes
        .filter(({ session }) => session === backend.envelopes[length]!.session)
        .flatMap(answersOf)
        .map(({ sequence }) => sequence),
    );
    await until('its health', () => backend.health.at(-1)!.session > backend.envelopes[length]!.session);
    expect(dropped()).toBe(0);
  });

  it('loses those that wait when it is killed, and counts them', async () => {
    await until('some that wait', async () => (await noted()) >= 3);
    await site.stopAgent('SIGKILL');
    const lost = await noted();
    const { session } = backend.health.at(-1)!;
    site.startAgent();
    await until('its health', () => backend.health.at(-1)!.session > session);
    expect(dropped()).toBe(lost);
    expect(site.logs).toContain('gathered in memory when the gateway was killed');
  });
});
