import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RtspServer } from '#agent/testing/rtsp-server.ts';
import { BackendConfig } from '#config/schema.ts';
import type { SiteState } from '#protocol/api.ts';
import { answersOf, decodeEnvelope, type Envelope, envelopeDigest } from '#protocol/envelope.ts';
import { siteTopics } from '#protocol/topics.ts';
import { systemClock } from '#runtime/clock.ts';
import { connectLink, type Link } from '#runtime/link.ts';
import { readLinkCredentials } from '#runtime/link-credentials.ts';
import { type RunningSite, startRunningSite } from './testing/running-site.ts';
import { BRIGHTNESS } from './testing/two-logits.ts';

const WAIT = { timeout: 120_000, interval: 100 };
const half = { y: 0.2, height: 0.6, width: 0.3 };

/** From streams to results, all parts real: the picture is dark on the left and bright on the right, and each camera looks at one of them. */
describe('a gateway whose answers wait for others', () => {
  let stream: RtspServer;
  let yard: RunningSite;
  let watcher: Link;
  /** What the broker saw. */
  const envelopes: Envelope[] = [];
  /** An envelope comes again where its receipt takes long. */
  const seen = new Set<string>();
  const gathered = () => envelopes.filter(({ later }) => later !== undefined);

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
      const digest = envelopeDigest(payload);
      if (!seen.has(digest)) envelopes.push(decodeEnvelope(payload, 2 ** 22).envelope);
      seen.add(digest);
    });
    await yard.protect(BRIGHTNESS);
    const address = `rtsp://127.0.0.1:${stream.port}/halves`;
    const cameras = [
      { name: 'hall', url: address, rate: 4, region: { x: 0.6, ...half } },
      { name: 'lot', url: address, rate: 4, region: { x: 0.1, ...half } },
    ];
    await yard.startGateway('gate', 'brightness', cameras, (config) => ({
      ...config,
      answers: { togetherSeconds: 2 },
    }));
  });
  afterAll(async () => {
    await watcher?.close();
    await yard?.close();
    await stream?.stop();
  });

  it('sends several in one ciphertext, of the size of one, and each has its own result, time and number', async () => {
    await expect.poll(() => gathered().length, WAIT).toBeGreaterThan(3);
    await expect
      .poll(async () => (await yard.get<SiteState>('state')).cameras, WAIT)
      .toMatchObject([
        { camera: 'hall', result: { label: 'bright' } },
        { camera: 'lot', result: { label: 'dark' } },
      ]);
    const cameras = gathered().flatMap((envelope) => answersOf(envelope).map(({ camera }) => camera));
    expect(new Set(cameras)).toEqual(new Set(['hall', 'lot']));
    expect(new Set(envelopes.map(({ ciphertext }) => ciphertext.length)).size).toBe(1);
    const answers = envelopes.flatMap(answersOf);
    const numbers = answers.map(({ session, sequence }) => `${session} ${sequence}`);
    expect(new Set(numbers).size).toBe(numbers.length);
    const { counters } = await yard.get<SiteState>('state');
    expect(counters).toMatchObject({ gaps: 0, withheld: 0, refused: {} });
    // No fewer results than answers that had come by then.
    const before = answers.length;
    await expect
      .poll(async () => (await yard.get<SiteState>('state')).counters.accepted, WAIT)
      .toBeGreaterThanOrEqual(before);
  });

  it('is audited: all that it put together is computed again, and gives the same bytes', async () => {
    const audit = async () => (await yard.get<SiteState>('state')).gateways[0]!.audit;
    const seen = envelopes.length;
    await expect.poll(async () => (await audit()).equal, WAIT).toBeGreaterThan(seen);
    expect(await audit()).toMatchObject({ unequal: 0, missing: 0 });
  });
});
