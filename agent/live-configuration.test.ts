import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signConfiguration } from '#protocol/configuration.ts';
import { makeBundle, makeNetwork } from './testing/make-bundle.ts';
import { RtspServer } from './testing/rtsp-server.ts';
import { TestBackend } from './testing/test-backend.ts';
import { TestSite } from './testing/test-site.ts';
import { until } from './testing/until.ts';

let camera: RtspServer;
let site: TestSite;
let backend: TestBackend;

const cameraOf = (name: string, more = '') =>
  `  - { name: ${name}, url: "rtsp://127.0.0.1:${camera.port}/live", rate: 5${more} }`;
const settingsOf = (...cameras: string[]) =>
  ['inference: { interpreter: reference }', 'healthSeconds: 1', 'cameras:', ...cameras].join('\n');

beforeAll(async () => {
  camera = await RtspServer.start();
  site = await TestSite.create(cameraOf('front'));
  await site.startBroker();
  backend = await TestBackend.connect(site);
  await backend.announce('online');
  site.startAgent();
  await backend.deploy(makeBundle(await makeNetwork(), site.owner.privateKey));
  await until('answers', () => backend.envelopes.length >= 3);
});

afterAll(async () => {
  await backend?.close();
  await site?.close();
  await camera?.stop();
});

async function push(version: number, settings: string, status: string) {
  await backend.push(
    signConfiguration(
      {
        schema: 1,
        site: 'town',
        gateway: 'gate-1',
        version,
        createdMs: Date.now(),
        settings,
        credentials: [],
      },
      site.owner.privateKey,
    ),
  );
  return until(
    `version ${version} ${status}`,
    () =>
      backend.reports.findLast(
        ({ configuration }) => configuration?.version === version && configuration.status === status,
      )?.configuration,
  );
}

/** Answers about a camera that came since. */
const answersAbout = (name: string, from: number) =>
  backend.envelopes.slice(from).filter((envelope) => envelope.camera === name).length;
const streaming = (name: string) =>
  backend.cameras.filter((state) => state.camera === name && state.state === 'streaming').at(-1);

/** One story: each step starts where the one before it ended. */
describe('a gateway that is configured from afar', () => {
  it('takes a camera in and out, while the other goes on without a gap', async () => {
    const [capture] = site.agentChildren();
    const { since } = (await until('the camera', () => streaming('front')))!;
    await push(1, settingsOf(cameraOf('front'), cameraOf('yard')), 'applied');
    const from = backend.envelopes.length;
    await until(
      'answers about both',
      () => answersAbout('yard', from) >= 3 && answersAbout('front', from) >= 3,
    );
    expect(backend.births.at(-1)!.cameras).toEqual(['front', 'yard']);
    await push(2, settingsOf(cameraOf('front')), 'applied');
    const alone = backend.envelopes.length;
    await until('answers', () => answersAbout('front', alone) >= 3);
    expect(backend.births.at(-1)!.cameras).toEqual(['front']);
    // The same connection, the same capture, every number once.
    expect(new Set(backend.births.map(({ session }) => session)).size).toBe(1);
    expect(site.agentChildren()).toContain(capture);
    expect(streaming('front')!.since).toBe(since);
    const sequences = backend.envelopes.map(({ sequence }) => sequence);
    expect(sequences).toEqual([...sequences.keys()].map((index) => index + 1));
  });

  it('starts a camera anew whose settings changed', async () => {
    const [capture] = site.agentChildren();
    const masked = settingsOf(cameraOf('front', ', masks: [[[0, 0], [0.5, 0], [0, 0.5]]]'));
    await push(3, masked, 'applied');
    const from = backend.envelopes.length;
    await until('answers', () => answersAbout('front', from) >= 2);
    await until('the end of the capture before', () => !site.agentChildren().includes(capture!));
  });

  it('goes back in every part where one cannot be taken up, to what the broker has heard of, although that is on trial itself', async () => {
    const { running } = await push(
      4,
      settingsOf(
        cameraOf('front', ', masks: [[[0, 0], [0.5, 0], [0, 0.5]]]'),
        cameraOf('yard'),
        'preview: { tokenFile: /nowhere }',
      ),
      'reverted',
    );
    expect(running).toBe(3);
    await until('cameras', () => backend.births.at(-1)!.cameras.length === 1);
    const from = backend.envelopes.length;
    await until('answers', () => answersAbout('front', from) >= 2);
    await until('one capture', () => site.agentChildren().length === 1);
    expect(await readdir(join(site.directory, 'data', 'configuration'))).toEqual(['3', 'state.json']);
  });

  it('takes up another interval at once, however long the one before it was, and another level of its log', async () => {
    const masked = settingsOf(cameraOf('front', ', masks: [[[0, 0], [0.5, 0], [0, 0.5]]]'));
    await push(5, masked.replace('healthSeconds: 1', 'healthSeconds: 3600'), 'applied');
    // The interval of before has ended, and the long one has begun.
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await push(6, `${masked}\nlog: { level: warn }`, 'applied');
    const from = backend.health.length;
    await until('health', () => backend.health.length >= from + 2);
  });

  it('refuses what is wrong with line and column, and changes nothing', async () => {
    const [capture] = site.agentChildren();
    const { error, running } = await push(7, settingsOf(cameraOf('front', ', rat: 7')), 'rejected');
    expect(running).toBe(6);
    expect(error!.message).toMatch(
      /^version 7:4:\d+: cameras\[0\]\.rat: unknown setting; did you mean "rate"\?/,
    );
    const from = backend.envelopes.length;
    await until('answers', () => answersAbout('front', from) >= 2);
    expect(site.agentChildren()).toContain(capture);
    expect(backend.events.map(({ code }) => code)).toContain('CONFIGURATION_REJECTED');
  });

  it('tells that its file was edited, at SIGHUP, and keeps running what was pushed', async () => {
    const text = await readFile(join(site.directory, 'agent.yaml'), 'utf8');
    await site.write('agent.yaml', text.replace('healthSeconds: 1', 'healthSeconds: 2'));
    site.reloadAgent();
    await until('drift', () => backend.reports.at(-1)?.configuration?.drift === true);
    await site.write('agent.yaml', text.replace('healthSeconds: 1', 'healthSecond: 2'));
    site.reloadAgent();
    await until('a word in the log', () => site.logs.includes('changes nothing'));
    const from = backend.envelopes.length;
    await until('answers', () => answersAbout('front', from) >= 2);
  });

  it('runs what was pushed after a restart, without a backend', async () => {
    await site.write(
      'agent.yaml',
      await readFile(join(site.directory, 'agent.yaml'), 'utf8').then((text) =>
        text.replace('healthSecond: 2', 'healthSeconds: 1'),
      ),
    );
    await site.stopAgent('SIGKILL');
    const { session } = backend.births.at(-1)!;
    const logged = site.logs.length;
    site.startAgent();
    await until('a birth', () => backend.births.at(-1)!.session > session);
    const report = await until('a report', () => {
      const last = backend.reports.at(-1);
      return last?.session === backend.births.at(-1)!.session ? last.configuration : null;
    });
    expect(report).toMatchObject({ status: 'rejected', version: 7, running: 6, drift: false });
    expect(site.logs.slice(logged)).not.toContain('gateway started');
  });

  it('ends at once while settings are applied, and takes them up at the next start', async () => {
    const settings = settingsOf(cameraOf('front', ', stallSeconds: 9'));
    await push(8, settings.replace('reference }', 'reference, threads: 1 }'), 'received');
    expect(await site.stopAgent('SIGTERM')).toBe(0);
    const from = backend.reports.length;
    site.startAgent();
    await until('version 8', () =>
      backend.reports
        .slice(from)
        .some(({ configuration }) => configuration?.running === 8 && configuration.status === 'applied'),
    );
  });
});
