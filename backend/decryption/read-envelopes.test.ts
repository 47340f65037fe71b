import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { DecodedEnvelope } from '#protocol/envelope.ts';
import type { InboxItem } from '../store/inbox.ts';
import { type DecryptingSite, makeDecryptingSite } from '../testing/decrypting-site.ts';
import { makeEnvelopeChecks } from '../testing/envelope-checks.ts';
import { makeTinyNetwork, type TinyNetwork } from '../testing/tiny-network.ts';
import { AnswerBounds } from './answer-bounds.ts';
import { BatchPlaces } from './batch-places.ts';
import { type Checked, checkEnvelope, type EnvelopeChecks } from './check-envelope.ts';
import { ReadEnvelopes } from './read-envelopes.ts';
import { SignatureChecks } from './signature-checks.ts';

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

describe('the places of a batch', () => {
  it('are known to the next batch until that one is over, though the store has them by then', () => {
    const limits = { perCameraPerSecond: 1, ofCameras: new Map(), maxAgeMs: 1e9, formerReleaseMs: 1e9 };
    const bounds = new AnswerBounds(null as never, limits);
    const answer = { session: 1, sequence: 3, camera: 'door', frameTimeMs: 5, ciphertext: Uint8Array.of(1) };
    const checked = { outcome: 'decrypt', answers: [{ answer, refusal: null }] } as unknown as Checked;
    const item = { gateway: 'gate', receivedMs: 9 } as InboxItem;
    const first = new BatchPlaces(bounds);
    const second = new BatchPlaces(bounds, first);
    expect(first.take(item, checked)).toBe(true);
    first.giveBack();
    // It asked the store whether the place is taken right before the first batch was written there.
    expect(second.take(item, checked)).toBe(false);
    expect(new BatchPlaces(bounds).take(item, checked)).toBe(true);
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
    checks = makeEnvelopeChecks(bench.site);
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

  it('is refused where another box took the place of its gateway after its signature was checked ahead', async () => {
    const { signatures } = checks;
    await bench.put({ sequence: 0, ciphertext: network.answer([0.2, 0.7]) });
    const first = await received();
    expect(await checkEnvelope(checks, first)).toMatchObject({ outcome: 'decrypt' });
    await bench.site.store.inbox.remove([first.id]);
    await bench.put({ sequence: 1, ciphertext: network.answer([0.2, 0.7]) });
    await signatures.prepare([await received()]);
    const { publicKey } = generateKeyPairSync('ed25519');
    const signingKey = publicKey.export({ type: 'spki', format: 'pem' }) as string;
    const place = { name: 'gate', signingKey, sealingKey: '', certificateSerial: '77' };
    await bench.site.store.transaction((inside) =>
      inside.gateways.replace({ ...place, certificateEndMs: Date.now() + 1e9, replacedMs: Date.now() }),
    );
    expect(await checkEnvelope(checks, await received())).toMatchObject({
      outcome: 'refuse',
      reason: 'replaced',
    });
  });

  it('is checked ahead as it is at its turn: its own signature, that of another gateway, none', async () => {
    const other = await bench.enrol('other');
    const ciphertext = network.answer([0.2, 0.7]);
    // Their keys are known from then on.
    await bench.put({ sequence: 0, ciphertext });
    await bench.put({ sequence: 0, ciphertext, camera: 'yard' }, other);
    await bench.put({ sequence: 1, ciphertext });
    await bench.put({ sequence: 2, ciphertext }, bench.gateway, { gateway: 'other' });
    await bench.putBytes(randomBytes(3000));
    const items = await Promise.all([1, 2, 3, 4, 5].map((id) => bench.site.store.inbox.get(id)));
    const outcomes = async (isAhead: boolean) => {
      const signatures = new SignatureChecks();
      const found = [];
      for (const item of items) {
        if (isAhead) await signatures.prepare([item!]);
        found.push(await checkEnvelope({ ...checks, read: new ReadEnvelopes(), signatures }, item!));
      }
      return found.map((one) => (one.outcome === 'refuse' ? one.reason : one.outcome));
    };
    expect(await outcomes(true)).toEqual(['decrypt', 'decrypt', 'decrypt', 'signature', 'malformed']);
    expect(await outcomes(false)).toEqual(await outcomes(true));
  });

  it('is refused where only its bytes differ: nothing is known of others', async () => {
    await bench.put({ ciphertext: network.answer([0.2, 0.7]) });
    const item = await received();
    expect(await checkEnvelope(checks, item)).toMatchObject({ outcome: 'decrypt' });
    const envelope = Uint8Array.from(item.envelope);
    envelope[envelope.length - 1]! ^= 1;
    await bench.putBytes(envelope);
    await bench.site.store.inbox.remove([item.id]);
    expect(await checkEnvelope(checks, await received())).toMatchObject({
      outcome: 'refuse',
      reason: 'signature',
    });
  });
});
