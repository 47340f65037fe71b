import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { RtspServer } from '#agent/testing/rtsp-server.ts';
import { openAuthority } from '#backend/enrolment/open-authority.ts';
import type { History, SiteState } from '#protocol/api.ts';
import { Result } from '#protocol/messages.ts';
import { siteTopics } from '#protocol/topics.ts';
import { systemClock } from '#runtime/clock.ts';
import { connectLink, type Link } from '#runtime/link.ts';
import { type RunningSite, startRunningSite } from './testing/running-site.ts';
import { BRIGHTNESS } from './testing/two-logits.ts';

const half = { y: 0.2, height: 0.6, width: 0.3 };
/** The picture is dark on the left and bright on the right; a network for two regions takes these with two ciphertexts. */
const REGIONS = [
  { name: 'right', x: 0.6, ...half },
  { name: 'left', x: 0.1, ...half },
  { name: 'right-again', x: 0.65, ...half },
];
const LABELS = { right: 'bright', left: 'dark', 'right-again': 'bright' };

/** From a camera's stream to published results, all parts real: RTSP, ffmpeg, encryption, MQTT over TLS, decryption. */
describe('a camera with several regions', () => {
  let camera: RtspServer;
  let yard: RunningSite;
  let cockpit: Link;
  /** What a cockpit was told, by topic. */
  const heard = new Map<string, Result[]>();

  beforeAll(async () => {
    camera = await RtspServer.start();
    yard = await startRunningSite();
    const { site, brokerUrl, log } = yard;
    const model = await yard.protect(BRIGHTNESS, 2);
    expect(model.interpretation).toMatchObject({ regions: 2, labels: ['bright', 'dark'] });
    const authority = await openAuthority(site.store, site.vault);
    const issued = await authority.issue({ kind: 'cockpit', commonName: 'cockpit', days: 1 });
    cockpit = connectLink({
      url: brokerUrl,
      ca: authority.certificate,
      ...issued,
      clientId: 'cockpit',
      clock: systemClock,
      log,
    });
    const topics = siteTopics('yard');
    for (const filter of [topics.results, topics.regionResults]) {
      cockpit.subscribe(filter, (topic, payload) => {
        const result = Result.parse(JSON.parse(Buffer.from(payload).toString('utf8')));
        heard.set(topic, [...(heard.get(topic) ?? []), result]);
      });
    }
    await yard.startGateway('gate', 'brightness', [
      { name: 'hall', url: `rtsp://127.0.0.1:${camera.port}/halves`, rate: 4, regions: REGIONS },
    ]);
  });

  afterAll(async () => {
    await cockpit?.close();
    await yard?.close();
    await camera?.stop();
  });

  it('gives one result for each region of the same picture', async () => {
    const topic = (region: string) => siteTopics('yard').result('hall', region);
    await vi.waitFor(
      () => {
        for (const { name } of REGIONS) expect(heard.get(topic(name))?.length).toBeGreaterThan(2);
      },
      { timeout: 120_000, interval: 50 },
    );
    expect([...heard.keys()].sort()).toEqual(REGIONS.map(({ name }) => topic(name)).sort());
    for (const [name, label] of Object.entries(LABELS)) {
      for (const result of heard.get(topic(name))!) {
        expect(result).toMatchObject({ camera: 'hall', region: name, model: 'brightness', label });
        expect(result.probability).toBeGreaterThan(0.9);
      }
    }
    // Two of the three share a ciphertext, the third has one of its own about the same picture.
    const [right, left, again] = REGIONS.map(({ name }) => heard.get(topic(name))![1]!);
    expect(left!.sequence).toBe(right!.sequence);
    expect(left!.frameTime).toBe(right!.frameTime);
    expect(again!.sequence).toBe(right!.sequence + 1);
    expect(again!.frameTime).toBe(right!.frameTime);
  });

  it('shows them under the camera, with a history of each', async () => {
    const state = await yard.get<SiteState>('state');
    expect(state.cameras).toMatchObject([
      {
        camera: 'hall',
        result: null,
        state: { state: 'streaming' },
        regions: REGIONS.map(({ name: region }) => ({
          region,
          result: { region, label: LABELS[region as keyof typeof LABELS] },
        })),
      },
    ]);
    expect(state.counters).toMatchObject({ gaps: 0, withheld: 0, refused: {} });
    const history = await yard.get<History>('cameras/hall/history?region=left');
    expect(history.times.length).toBeGreaterThan(2);
    // One for each picture, however many regions it has.
    const told = () =>
      heard.get(siteTopics('yard').result('hall', 'left'))!.map(({ frameTime }) => Date.parse(frameTime));
    await expect.poll(() => told().length).toBeGreaterThanOrEqual(history.times.length);
    expect(told()).toEqual(expect.arrayContaining([...history.times]));
    const whole = await yard.get<History>('cameras/hall/history');
    expect(whole.times).toEqual([]);
  });
});
