import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RtspServer } from '#agent/testing/rtsp-server.ts';
import { BackendConfig } from '#config/schema.ts';
import type { SiteState } from '#protocol/api.ts';
import { decodeEnvelope, type Envelope } from '#protocol/envelope.ts';
import { siteTopics } from '#protocol/topics.ts';
import { systemClock } from '#runtime/clock.ts';
import { connectLink, type Link } from '#runtime/link.ts';
import { readLinkCredentials } from '#runtime/link-credentials.ts';
import { type RunningSite, startRunningSite } from './testing/running-site.ts';
import { BRIGHTNESS } from './testing/two-logits.ts';

const WAIT = { timeout: 120_000, interval: 100 };
const half = { y: 0.2, height: 0.6, width: 0.3 };

/** From streams to results, all parts real: the picture is dark on the left and bright on the right, and each camera looks at one of them. */
describe('two cameras of a gateway whose network answers about two pictures at once', () => {
  let stream: RtspServer;
  let yard: RunningSite;
  let watcher: Link;
  /** What the broker saw. */
  const envelopes: Envelope[] = [];

  beforeAll(async () => {
    stream = await RtspServer.start();
    const audit = BackendConfig.shape.audit.parse({ share: 1, lateShare: 1 });
    yard = await startRunningSite({ audit });
    const { brokerUrl: url, log, data } = yard;
    const file = (name: string) => `${data}/certificates/${name}`;
    const credentials = await readLinkCredentials({
      ...{ ca: file('ca.pem'), certificate: file('backend.pem'), key: file('backend.key') },
    });
    watcher = connectLink({ url, ...credentials, clientId: 'watcher', clock: systemClock, log });
    watcher.subscribe(siteTopics('yard').inferences, (_, payload) => {
      envelopes.push(decodeEnvelope(payload, 2 ** 22).envelope);
    });
    await yard.protect(BRIGHTNESS, 2);
    // Each picture of the stream: which of them a slower camera takes, and whether the other takes the same, is chance.
    const address = `rtsp://127.0.0.1:${stream.port}/halves`;
    await yard.startGateway('gate', 'brightness', [
      { name: 'hall', url: address, rate: 12, region: { x: 0.6, ...half } },
      { name: 'lot', url: address, rate: 12, region: { x: 0.1, ...half } },
      { name: 'dead', url: 'rtsp://127.0.0.1:9/none', rate: 4 },
    ]);
  });
  afterAll(async () => {
    await watcher?.close();
    await yard?.close();
    await stream?.stop();
  });

  it('share ciphertexts, and each has its own results; a dead camera is not waited for', async () => {
    const shared = () => envelopes.filter(({ others }) => others !== undefined);
    await expect.poll(() => shared().length, WAIT).toBeGreaterThan(2);
    for (const { camera, others } of shared())
      expect([camera, ...others!.map((one) => one.camera)].sort()).toEqual(['hall', 'lot']);
    await expect
      .poll(async () => (await yard.get<SiteState>('state')).cameras, WAIT)
      .toMatchObject([
        { camera: 'dead', result: null },
        { camera: 'hall', result: { label: 'bright' } },
        { camera: 'lot', result: { label: 'dark' } },
      ]);
    const { counters } = await yard.get<SiteState>('state');
    expect(counters).toMatchObject({ gaps: 0, withheld: 0, refused: {} });
    const numbers = envelopes.flatMap(({ sequence, others = [] }) => [
      sequence,
      ...others.map((_, i) => sequence + 1 + i),
    ]);
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  it('are audited: what was computed for both is computed again, byte for byte', async () => {
    const shared = envelopes.findLastIndex(({ others }) => others !== undefined);
    const audit = async () => (await yard.get<SiteState>('state')).gateways[0]!.audit;
    await expect.poll(async () => (await audit()).equal, WAIT).toBeGreaterThan(shared + 1);
    expect(await audit()).toMatchObject({ unequal: 0, missing: 0 });
  });
});
