import { generateKeyPairSync, type KeyObject, sign as signBytes } from 'node:crypto';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  type MockInstance,
  vi,
} from 'vitest';
import { answerFormOf, verifyProgram } from '#fhe';
import {
  type Ciphertext,
  createRingSwitch,
  decodeConstants,
  decodeEvaluationKeys,
  encodeCiphertext,
  expandCiphertext,
} from '#fhe/testing';
import { encodeCanonical } from '#protocol/cbor.ts';
import { type Envelope, encodeEnvelope } from '#protocol/envelope.ts';
import type { Result } from '#protocol/messages.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { removeGateway } from '../operations/remove-gateway.ts';
import { type DecryptingSite, drain, makeDecryptingSite } from '../testing/decrypting-site.ts';
import { enrolTestGateway, releaseTo, type TestSite } from '../testing/test-site.ts';
import { makeTinyNetwork, type TinyNetwork } from '../testing/tiny-network.ts';
import type { Decryptor } from './decryptor.ts';
import type { Processor } from './processor.ts';

const WAIT = { timeout: 60_000 };

const PIXELS = [0.2, 0.9] as const;

describe('an envelope', () => {
  let network: TinyNetwork;
  let answer: Uint8Array;
  let bench: DecryptingSite;
  let site: TestSite;
  let results: readonly Result[];
  let processor: Processor;
  let decrypt: MockInstance<Decryptor['decrypt']>;

  beforeAll(async () => {
    network = await makeTinyNetwork();
    answer = network.answer(PIXELS);
  });
  afterAll(() => network.close());

  beforeEach(async () => {
    bench = await makeDecryptingSite(network);
    ({ site, results } = bench);
    decrypt = vi.spyOn(bench.decryptor, 'decrypt');
    processor = bench.makeProcessor();
  });
  afterEach(() => bench.close());

  async function deliver(bytes: Uint8Array, topic?: { gateway: string; camera: string }): Promise<void> {
    await bench.putBytes(bytes, topic);
    await drain(bench, processor);
  }

  const sign = (changes: Partial<Envelope> = {}) =>
    encodeEnvelope(bench.makeEnvelope({ ciphertext: answer, ...changes }), bench.gateway.signingKey);
  const send = (changes: Partial<Envelope> = {}, topic?: { gateway: string; camera: string }) =>
    deliver(sign(changes), topic);
  const counters = () => site.store.counters.all();
  const codes = async () => (await site.store.journal.latest(10)).map((entry) => entry.code);

  it('of an enrolled gateway is decrypted, rounded, stored and given out once', async () => {
    await send();
    // logits 4 · 0.2 and 4 · 0.9: softmax (0.0573, 0.9427)
    expect(results).toMatchObject([
      {
        camera: 'door',
        label: 'occupied',
        probability: 0.95,
        probabilities: { empty: 0.05, occupied: 0.95 },
      },
    ]);
    expect(await site.store.results.latest('door')).toEqual(results[0]);
    expect(await site.store.inbox.count()).toBe(0);
    expect(await counters()).toEqual({ accepted: 1 });
    expect((await site.store.gateways.get('gate'))?.last).toEqual({ session: 1, sequence: 0 });
  });

  it('that comes again is a duplicate and is not decrypted again', async () => {
    const bytes = sign();
    await deliver(bytes);
    await deliver(bytes);
    expect(decrypt).toHaveBeenCalledTimes(1);
    expect(results).toHaveLength(1);
    expect(await counters()).toEqual({ accepted: 1, duplicates: 1 });
  });

  it('that a restarted gateway signs anew as historical is a duplicate and no replay', async () => {
    await send({ sequence: 5 });
    await send({ sequence: 5, historical: true });
    expect(decrypt).toHaveBeenCalledTimes(1);
    expect(await counters()).toEqual({ accepted: 1, duplicates: 1 });
    expect(await codes()).not.toContain('REFUSED_REPLAYED');
  });

  it('with other content at a place that is settled is refused as a replay', async () => {
    await send({ sequence: 5 });
    await send({ sequence: 5, ciphertext: network.answer([0.9, 0.2]) });
    expect(decrypt).toHaveBeenCalledTimes(1);
    expect(await counters()).toMatchObject({ 'refused.replayed': 1 });
    expect(await codes()).toContain('REFUSED_REPLAYED');
  });

  it('that is shown again under another number about the same moment is refused as a replay', async () => {
    const frameTimeMs = Date.now() - 5000;
    await send({ sequence: 5, frameTimeMs });
    await send({ sequence: 6, frameTimeMs });
    expect(decrypt).toHaveBeenCalledTimes(1);
    expect(await counters()).toEqual({ accepted: 1, 'refused.replayed': 1 });
    // About another moment only an audit tells: the place of an answer is part of its encryption.
    await send({ sequence: 7, frameTimeMs: frameTimeMs + 1 });
    expect(await counters()).toMatchObject({ accepted: 2 });
  });

  it('that is not signed by its gateway is not even decoded', async () => {
    const stranger = generateKeyPairSync('ed25519').privateKey;
    const payload = new Uint8Array(100).fill(0xff);
    const domain = (text: string) => Buffer.concat([Buffer.from(`${text}\0`), payload]);
    const wire = (text: string, key: KeyObject) =>
      encodeCanonical([payload, new Uint8Array(signBytes(null, domain(text), key))]);
    await deliver(wire('blindsight envelope 1', stranger));
    expect(await counters()).toEqual({ 'refused.signature': 1 });
    await deliver(wire('blindsight envelope 1', bench.gateway.signingKey));
    expect(await counters()).toMatchObject({ 'refused.malformed': 1 });
    // One that comes from a later version of Blindsight is known by its signature alone.
    await deliver(wire('blindsight envelope 4', bench.gateway.signingKey));
    await deliver(wire('blindsight envelope 4', stranger));
    expect(await counters()).toEqual({
      'refused.malformed': 1,
      'refused.signature': 2,
      'refused.version': 1,
    });
  });

  it('counts the places that were passed over, and takes one that comes late', async () => {
    await send({ sequence: 0 });
    await send({ sequence: 3 });
    expect(await counters()).toMatchObject({ gaps: 2 });
    await send({ sequence: 1 });
    expect(await counters()).toMatchObject({ accepted: 3, gaps: 2, late: 1 });
    await send({ session: 2, sequence: 7 });
    expect(await counters()).toMatchObject({ accepted: 4, gaps: 2 });
  });

  it('from before the time that is remembered is refused', async () => {
    await send({ sequence: 4 });
    await site.store.results.removeBefore(Date.now() + 1000);
    await send({ sequence: 4 });
    await send({ sequence: 3 });
    expect(decrypt).toHaveBeenCalledTimes(1);
    expect(await counters()).toMatchObject({ 'refused.stale': 2 });
    await send({ sequence: 5 });
    expect(decrypt).toHaveBeenCalledTimes(2);
  });

  it('of the true gateway is taken also after a copy with higher sessions was forgotten', async () => {
    await send({ session: 10, sequence: 1 });
    await send({ session: 900, sequence: 50 });
    await site.store.results.removeBefore(Date.now() + 1000);
    await send({ session: 10, sequence: 2 });
    await send({ session: 11, sequence: 1 });
    expect(await counters()).toMatchObject({ accepted: 4 });
    expect(await counters()).not.toHaveProperty('refused.stale');
    await send({ session: 10, sequence: 1 });
    await send({ session: 900, sequence: 50 });
    expect(decrypt, 'nothing that is forgotten is decrypted twice').toHaveBeenCalledTimes(4);
    expect(await counters()).toMatchObject({ 'refused.stale': 2 });
  });

  it('that no gateway has signed is refused and does not take a place', async () => {
    const stranger = generateKeyPairSync('ed25519').privateKey;
    await deliver(encodeEnvelope(bench.makeEnvelope({ ciphertext: answer }), stranger));
    expect(await counters()).toEqual({ 'refused.signature': 1 });
    await send();
    expect(results).toHaveLength(1);
  });

  it('with a flipped byte is refused', async () => {
    const bytes = sign();
    bytes[bytes.length >> 1]! ^= 1;
    await deliver(bytes);
    expect(decrypt).toHaveBeenCalledTimes(0);
    expect(await counters()).toEqual({ 'refused.signature': 1 });
  });

  it('that is truncated or no envelope at all is refused', async () => {
    await deliver(sign().subarray(0, 1000));
    await deliver(new Uint8Array());
    await deliver(new Uint8Array(2 ** 20 + 1));
    expect(await counters()).toEqual({ 'refused.malformed': 3 });
  });

  it('of another gateway, site or camera than its topic is refused', async () => {
    await enrolTestGateway(site, 'other');
    await send({}, { gateway: 'other', camera: 'door' });
    await send({}, { gateway: 'nobody', camera: 'door' });
    await send({ gateway: 'other' });
    await send({ camera: 'gate' });
    await send({ site: 'elsewhere' });
    expect(decrypt).toHaveBeenCalledTimes(0);
    expect(await counters()).toEqual({
      'refused.signature': 1,
      'refused.unknown-gateway': 1,
      'refused.topic': 2,
      'refused.site': 1,
    });
  });

  it('for a camera of another gateway is refused', async () => {
    await enrolTestGateway(site, 'other');
    await site.store.cameras.claim('door', 'other', 1);
    await send();
    expect(await counters()).toEqual({ 'refused.camera': 1 });
  });

  it('of a network that was never deployed to this gateway is refused', async () => {
    await enrolTestGateway(site, 'other');
    const foreign = await releaseTo(site, 'other', 'tiny');
    await send({ bundle: foreign });
    await send({ bundle: 'ab'.repeat(32), sequence: 1 });
    expect(decrypt).toHaveBeenCalledTimes(0);
    expect(await counters()).toMatchObject({ 'refused.model': 2 });
  });

  it('of the reference interpreter, which no audit can open, is refused unless the owner allows it', async () => {
    processor = bench.makeProcessor({ acceptsReference: false });
    await send({ sequence: 0, interpreter: 'reference' });
    expect(decrypt).toHaveBeenCalledTimes(0);
    expect(results).toEqual([]);
    expect(await counters()).toEqual({ 'refused.unauditable': 1 });
    expect(await codes()).toContain('REFUSED_UNAUDITABLE');
    await send({ sequence: 1, interpreter: 'engine' });
    processor = bench.makeProcessor({ acceptsReference: true });
    await send({ sequence: 2, interpreter: 'reference' });
    expect(results.map(({ sequence }) => sequence)).toEqual([1, 2]);
  });

  it('of the release before is still taken', async () => {
    await releaseTo(site, 'gate', 'tiny');
    await send();
    expect(results).toHaveLength(1);
  });

  it('whose ciphertext is too short, too long or of another level is not decrypted', async () => {
    const { parameters, registers } = verifyProgram(network.program);
    const input = registers.get(0)!;
    const longer = encodeCiphertext(parameters, {
      size: 2,
      level: input.level,
      scale: input.scale,
      residues: new Uint32Array(2 * 2 * parameters.ringDegree),
    });
    expect(answer.length).toBe(32 + (2048 * 48) / 8);
    await send({ ciphertext: answer.subarray(0, answer.length - 4) });
    await send({ ciphertext: Buffer.concat([answer, Buffer.alloc(4)]), sequence: 1 });
    await send({ ciphertext: longer, sequence: 2 });
    expect(decrypt).toHaveBeenCalledTimes(0);
    expect(await counters()).toMatchObject({ 'refused.size': 3 });
  });

  it('whose ciphertext has the length of an answer, but not its form, is refused before any key is used', async () => {
    const form = answerFormOf(verifyProgram(network.program));
    const honest = form.decode(answer);
    const otherScale = form.encode({ ...honest, scale: honest.scale * 2 });
    const otherKind = Uint8Array.from(answer);
    otherKind[5] = 1;
    const otherParameters = Uint8Array.from(answer);
    otherParameters[8]! ^= 1;
    await send({ ciphertext: otherScale });
    await send({ ciphertext: otherKind, sequence: 1 });
    await send({ ciphertext: otherParameters, sequence: 2 });
    expect(results).toEqual([]);
    expect(await counters()).toEqual({ 'refused.ciphertext': 3 });
    expect((await site.store.gateways.get('gate'))?.quarantine).toBeNull();
  });

  /** A weight at level 0, made by dropping the last limb: just what a gateway that wants to read its weights would try. */
  function weightAtLevelZero(): Ciphertext {
    const { parameters } = verifyProgram(network.program);
    const [weight] = decodeConstants(parameters, network.program.constants, network.constants);
    const { residues: whole, scale } = expandCiphertext(parameters, weight!);
    const n = parameters.ringDegree;
    const residues = new Uint32Array(2 * n);
    residues.set(whole.subarray(0, n));
    residues.set(whole.subarray(2 * n, 3 * n), n);
    return { size: 2, level: 0, scale, residues };
  }

  it('with an encrypted weight in place of an answer cannot even be opened', async () => {
    const verified = verifyProgram(network.program);
    const { parameters, resultParameters, registers, output } = verified;
    const form = answerFormOf(verified);
    const weight = weightAtLevelZero();
    await send({ ciphertext: encodeCiphertext(parameters, weight) });
    expect(await counters()).toEqual({ 'refused.size': 1 });
    // Cut to the length of an answer, and with the form of one: residues of another ring under another key are noise.
    await send({ ciphertext: encodeCiphertext(parameters, weight).subarray(0, answer.length), sequence: 1 });
    expect(await counters()).toMatchObject({ 'refused.ciphertext': 1 });
    const { scale } = registers.get(output)!;
    const residues = weight.residues.subarray(0, 2 * resultParameters.ringDegree);
    await send({
      ciphertext: form.encode({ size: 2, level: 0, scale, residues }),
      sequence: 2,
    });
    expect(await counters()).toMatchObject({ withheld: 1 });
    expect(results).toEqual([]);
  });

  it('with an encrypted weight that was brought into the small ring is withheld, and nothing of it is told', async () => {
    const verified = verifyProgram(network.program);
    const { parameters, registers, output } = verified;
    // A gateway holds the key for this.
    const { ringSwitch } = decodeEvaluationKeys(parameters, network.evaluationKeys);
    const switched = createRingSwitch(
      parameters,
      network.program.resultRing!,
      ringSwitch!,
    )(weightAtLevelZero());
    const { scale } = registers.get(output)!;
    const forged = answerFormOf(verified).encode({ ...switched, scale });
    expect(forged.length).toBe(answer.length);

    await send({ ciphertext: forged });
    expect(results).toEqual([]);
    expect(await site.store.results.latest('door')).toBeNull();
    expect(await counters()).toEqual({ withheld: 1 });
    // That it was withheld is one bit, and all that its sender may learn of it if he reads the page. It proves nothing against the gateway: only
    // an audit of its answers would.
    expect((await site.store.gateways.get('gate'))?.quarantine).toBeNull();
    await send({ sequence: 1 });
    expect(results).toHaveLength(1);
    await send({ ciphertext: forged });
    expect(await counters(), 'the withheld one is not decrypted again').toMatchObject({ withheld: 1 });
  });

  it('with noise in place of an answer is withheld', async () => {
    const form = answerFormOf(verifyProgram(network.program));
    const honest = form.decode(answer);
    const residues = honest.residues.map((value, index) => (index % 7 === 0 ? value >> 1 : value));
    await send({ ciphertext: form.encode({ ...honest, residues }) });
    expect(results).toEqual([]);
    expect(await counters()).toEqual({ withheld: 1 });
  });

  it('keeps waiting while the decrypting thread is ill, and gives up on the third crash', async () => {
    decrypt.mockRejectedValue(new Error('thread died'));
    for (let attempt = 0; attempt < 3; attempt++) await expect(send()).rejects.toThrow('thread died');
    expect(await site.store.inbox.count()).toBeGreaterThan(0);
    await drain(bench, processor);
    expect(await site.store.inbox.count()).toBe(0);
    expect(await counters()).toMatchObject({ withheld: 1 });
    expect((await site.store.gateways.get('gate'))?.quarantine).toBeNull();
  });

  it('whose outcome the store does not take is kept, and decrypted once, however often that fails', async () => {
    const failing = vi.spyOn(site.store, 'transaction').mockRejectedValue(new Error('disk is full'));
    await expect(send()).rejects.toThrow('disk is full');
    for (let attempt = 0; attempt < 4; attempt++)
      await expect(drain(bench, processor)).rejects.toThrow('disk is full');
    expect(results).toEqual([]);
    failing.mockRestore();
    await drain(bench, processor);
    expect(decrypt).toHaveBeenCalledTimes(1);
    expect(results).toMatchObject([{ camera: 'door', label: 'occupied' }]);
    expect(await counters()).toEqual({ accepted: 1 });
  });

  it('of a gateway that is removed while it is decrypted is not given out', async () => {
    decrypt.mockImplementationOnce(async (model, keySet, ciphertext) => {
      await removeGateway(site, 'gate');
      return bench.decryptor.decrypt(model, keySet, ciphertext);
    });
    await send();
    expect(results).toEqual([]);
    expect(await site.store.results.latest('door')).toBeNull();
    expect(await counters()).toEqual({ 'refused.unknown-gateway': 1 });
    expect(await site.store.inbox.count()).toBe(0);
  });

  it('that was being decrypted when the backend died is decrypted after the restart', async () => {
    const bytes = sign();
    decrypt.mockRejectedValueOnce(new Error('power cut'));
    await expect(deliver(bytes)).rejects.toThrow('power cut');
    processor = bench.makeProcessor();
    await drain(bench, processor);
    expect(results).toHaveLength(1);
    expect(await counters()).toEqual({ accepted: 1 });
  });

  it('that waits for a damaged key lets others pass, and is decrypted when the key is back', async () => {
    const stop = new AbortController();
    const clock = new SimulatedClock(Date.now());
    processor = bench.makeProcessor({ clock });
    vi.spyOn(bench.decryptor, 'prepare').mockRejectedValueOnce(new Error('the key does not open'));
    for (const sequence of [0, 1]) await bench.putBytes(sign({ sequence }));
    const running = processor.run(stop.signal);
    const sequences = () => results.map((result) => result.sequence);
    await vi.waitFor(async () => {
      await clock.advance(10);
      expect(sequences()).toEqual([1, 0]);
    }, WAIT);
    stop.abort();
    await running;
  });

  it('does not claim the future by a clock that is ahead', async () => {
    await send({ frameTimeMs: Date.now() + 60_000 });
    expect(Date.parse(results[0]!.frameTime)).toBeLessThanOrEqual(Date.now());
  });
});
