import { generateKeyPairSync } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { DecodedEnvelope } from '#protocol/envelope.ts';
import { type DecryptingSite, makeDecryptingSite } from '../testing/decrypting-site.ts';
import { makeTinyNetwork, type TinyNetwork } from '../testing/tiny-network.ts';
import { AnswerBounds } from './answer-bounds.ts';
import { checkEnvelope, type EnvelopeChecks } from './check-envelope.ts';
import { PublicKeys } from './public-keys.ts';
import { ReadEnvelopes } from './read-envelopes.ts';

const decoded = (name: string) => ({ envelope: { camera: name } }) as unknown as DecodedEnvelope;

describe('envelopes that were read', () => {
  it('are given out once, and only for the key under which their signature holds', () => {
    const read = new ReadEnvelopes();
    read.keep('a', 'key', decoded('a'), 10);
    expect(read.get('a', 'another key')).toBeUndefined();
    read.keep('a', 'key', decoded('a'), 10);
    expect(read.get('a', 'key')?.envelope.camera).toBe('a');
    expect(read.get('a', 'key')).toBeUndefined();
  });

  it('take four megabytes at most, whatever is kept: the oldest go', () => {
    const read = new ReadEnvelopes();
    for (let i = 0; i < 1000; i++) read.keep(`${i % 600}`, 'key', decoded(`${i}`), 2 ** 20);
    expect(read.get('399', 'key')?.envelope.camera).toBe('999');
    expect(read.get('396', 'key')?.envelope.camera).toBe('996');
    expect(read.get('395', 'key')).toBeUndefined();
  });
});

describe('an envelope that is checked twice', () => {
  let network: TinyNetwork;
  let bench: DecryptingSite;
  let checks: EnvelopeChecks;

  beforeAll(async () => {
    network = await makeTinyNetwork({});
  });
  afterAll(() => network.close());
  beforeEach(async () => {
    bench = await makeDecryptingSite(network);
    const limits = { perCameraPerSecond: 640, ofCameras: new Map(), maxAgeMs: 1e9, formerReleaseMs: 1e9 };
    checks = {
      ...{ store: bench.site.store, site: bench.site.name, acceptsReference: true, formerReleaseMs: 1e9 },
      bounds: new AnswerBounds(bench.site.store, limits),
      ...{ keys: new PublicKeys(), read: new ReadEnvelopes() },
    };
  });
  afterEach(() => bench.close());

  const received = async () => (await bench.site.store.inbox.first())!;

  it('is the same the second time', async () => {
    await bench.put({ ciphertext: network.answer([0.2, 0.7]) });
    const item = await received();
    const once = await checkEnvelope(checks, item);
    expect(once).toMatchObject({ outcome: 'decrypt' });
    expect(await checkEnvelope(checks, item)).toEqual(once);
  });

  it('is refused where another box took the place of its gateway in between', async () => {
    await bench.put({ ciphertext: network.answer([0.2, 0.7]) });
    const item = await received();
    expect(await checkEnvelope(checks, item)).toMatchObject({ outcome: 'decrypt' });
    const { publicKey } = generateKeyPairSync('ed25519');
    const signingKey = publicKey.export({ type: 'spki', format: 'pem' }) as string;
    const place = { name: 'gate', signingKey, sealingKey: '', certificateSerial: '77' };
    await bench.site.store.transaction((inside) =>
      inside.gateways.replace({ ...place, certificateEndMs: Date.now() + 1e9, replacedMs: Date.now() }),
    );
    expect(await checkEnvelope(checks, item)).toMatchObject({ outcome: 'refuse', reason: 'replaced' });
  });

  it('is refused where only its bytes differ: nothing is known of others', async () => {
    await bench.put({ ciphertext: network.answer([0.2, 0.7]) });
    const item = await received();
    expect(await checkEnvelope(checks, item)).toMatchObject({ outcome: 'decrypt' });
    const envelope = Uint8Array.from(item.envelope);
    envelope[envelope.length - 1]! ^= 1;
    await bench.putBytes(envelope);
    await bench.site.store.inbox.remove(item.id);
    expect(await checkEnvelope(checks, await received())).toMatchObject({
      outcome: 'refuse',
      reason: 'signature',
    });
  });
});
