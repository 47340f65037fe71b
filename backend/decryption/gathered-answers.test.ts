import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { answerPlaces, decodeProgram, Gathering, verifyProgram } from '#fhe';
import { answersOf, type Envelope, encodeEnvelope, type LaterAnswer } from '#protocol/envelope.ts';
import { keepNetwork } from '../protection/keep-network.ts';
import { type DecryptingSite, drain, makeDecryptingSite } from '../testing/decrypting-site.ts';
import { releaseTo } from '../testing/test-site.ts';
import { makeTinyNetwork, type TinyNetwork } from '../testing/tiny-network.ts';

const EMPTY = [0.9, 0.1];
const OCCUPIED = [0.1, 0.9];
const PERIOD = 256;
const PLACES = 1024 / PERIOD;

const gather = (answers: readonly Uint8Array[], network: TinyNetwork): Uint8Array => {
  const bytes = network.protectedNetwork.parts.find(({ name }) => name === 'program')!.bytes;
  const program = verifyProgram(decodeProgram(bytes));
  const gathering = new Gathering(program.resultParameters, answerPlaces(program));
  for (const answer of answers) gathering.add(answer);
  return gathering.finish();
};

describe('an envelope of answers that were gathered', () => {
  let network: TinyNetwork;
  let bench: DecryptingSite;
  let newestMs = 0;

  beforeAll(async () => {
    network = await makeTinyNetwork({ period: PERIOD });
  });
  afterAll(() => network.close());
  beforeEach(async () => {
    bench = await makeDecryptingSite(network);
    newestMs = Date.now() - 5000;
  });
  afterEach(() => bench.close());

  const at = (camera: string, more: Partial<LaterAnswer> = {}): LaterAnswer => {
    newestMs += 1;
    const timings = { prepareMs: 4, encryptMs: 5, evaluateMs: 6 };
    return { camera, frameTimeMs: newestMs, readyTimeMs: newestMs + 10, timings, ...more };
  };
  /** Of camera `door`, and of `yard` and `door` later, unless it is said otherwise. */
  async function send(changes: Partial<Envelope> = {}, processor = bench.makeProcessor()): Promise<Envelope> {
    const envelope = bench.makeEnvelope({
      ...{ schema: 3, frameTimeMs: ++newestMs, later: [at('yard'), at('door')] },
      ciphertext: gather([EMPTY, OCCUPIED, OCCUPIED].map(network.answer), network),
      ...changes,
    });
    await bench.putBytes(encodeEnvelope(envelope, bench.gateway.signingKey), { camera: envelope.camera });
    await drain(bench, processor);
    return envelope;
  }
  const counters = () => bench.site.store.counters.all();

  it('gives each answer its own result, time, number and latency, with one decryption', async () => {
    const { results, site, decryptor } = bench;
    const spy = vi.spyOn(decryptor, 'decrypt');
    const envelope = await send({ sequence: 4 });
    expect(spy).toHaveBeenCalledTimes(1);
    expect(results.map(({ camera, label, sequence }) => `${camera} ${label} ${sequence}`)).toEqual([
      ...['door empty 4', 'yard occupied 5', 'door occupied 6'],
    ]);
    expect(results.map(({ frameTime }) => Date.parse(frameTime))).toEqual(
      answersOf(envelope).map(({ frameTimeMs }) => frameTimeMs),
    );
    expect(results.map(({ latencyMs }) => latencyMs.evaluate)).toEqual([3, 6, 6]);
    expect(await site.store.results.latest('door')).toEqual(results[2]);
    expect(await site.store.results.latest('yard')).toEqual(results[1]);
    expect((await site.store.gateways.get('gate'))?.last).toMatchObject({ session: 1, sequence: 6 });
    // The next one follows without a gap, and one that skips two numbers leaves one of two.
    await send({ sequence: 7 });
    await send({ sequence: 12 });
    expect(await counters()).toEqual({ accepted: 9, gaps: 2 });
  });

  it('is settled once: again it is a duplicate; what overlaps it is a replay', async () => {
    const envelope = await send({ sequence: 10 });
    await send(envelope);
    expect(await counters()).toMatchObject({ accepted: 3, duplicates: 1 });
    // One at a place in its middle, one that begins before it and ends in it, one that begins in it.
    await bench.put({ sequence: 11, ciphertext: network.answer(EMPTY) });
    await send({ sequence: 8 });
    await send({ sequence: 12 });
    // The same answers, under other numbers: all of them, or the same bytes about fewer.
    await send({ ...envelope, sequence: 20 });
    const [, ...later] = [at('door'), ...envelope.later!];
    await send({ ...envelope, sequence: 30, later: later.slice(0, 1) });
    expect(bench.results).toHaveLength(3);
    expect(await counters()).toMatchObject({ accepted: 3, duplicates: 1 });
    expect((await counters())['refused.replayed']).toBe(1 + 1 + 1 + 3 + 2);
  });

  it('is refused with more answers than its ciphertext has places for, before the store is asked about them', async () => {
    const { site, decryptor } = bench;
    const { cameras, results } = site.store;
    const spies = [vi.spyOn(cameras, 'claim'), vi.spyOn(results, 'about'), vi.spyOn(decryptor, 'decrypt')];
    const many = Array.from({ length: PLACES }, () => at('yard'));
    await send({ later: many });
    await bench.enrol('other');
    const ofOther = await releaseTo(site, 'other', 'tiny');
    await send({ bundle: ofOther, sequence: 100 });
    await send({ bundle: '0'.repeat(64), sequence: 200 });
    expect(await counters()).toEqual({ 'refused.regions': 1, 'refused.model': 2 });
    for (const spy of spies) expect(spy).not.toHaveBeenCalled();
    // A place has room for one picture of this network.
    await send({ later: [at('yard', { regions: ['left', 'right'] })], sequence: 300 });
    expect(await counters()).toMatchObject({ 'refused.regions': 3 });
  });

  it('has no more answers about a minute of a camera decrypted than they have by themselves', async () => {
    // One in ten seconds and what is let off: twelve a minute.
    const limits = { perCameraPerSecond: 0.1, ofCameras: new Map(), maxAgeMs: 3_600_000, formerReleaseMs: 0 };
    const processor = bench.makeProcessor({ limits });
    newestMs = Math.floor(newestMs / 60_000 - 1) * 60_000;
    const four = gather([OCCUPIED, OCCUPIED, OCCUPIED, OCCUPIED].map(network.answer), network);
    for (let sequence = 0; sequence < 10; sequence++)
      await bench.put({ sequence, frameTimeMs: ++newestMs, ciphertext: network.answer(EMPTY) });
    await drain(bench, processor);
    const frameTimeMs = ++newestMs;
    const later = [at('door'), at('door'), at('door')];
    await send({ sequence: 10, frameTimeMs, later, ciphertext: four }, processor);
    expect(await counters()).toMatchObject({ accepted: 12, 'refused.too-many': 2 });
    expect(bench.results.at(-1)!.sequence).toBe(11);
  });

  it('is withheld where it says that there are fewer answers than there are', async () => {
    await send({ later: [at('yard')] });
    expect(bench.results).toEqual([]);
    expect(await counters()).toEqual({ withheld: 2 });
  });

  it('says of places without an answer that nothing is there: those tell the middle of all labels', async () => {
    // A gateway that claims more than it computed: a forged count, which audits find.
    await send({ later: [at('yard'), at('hall'), at('lot')] });
    expect(bench.results.map(({ label }) => label).slice(0, 3)).toEqual(['empty', 'occupied', 'occupied']);
    expect(bench.results[3]!.probability).toBeLessThan(0.65);
  });

  it('withholds the answer that is out of range, and no other; one that fills its empty slots likewise', async () => {
    const { site, results } = bench;
    const wide = await makeTinyNetwork({ period: PERIOD, weight: 40 });
    await keepNetwork(site, 'tiny', wide.protectedNetwork, 2);
    const bundle = await releaseTo(site, 'gate', 'tiny');
    const small = [0.12, 0.05];
    const ciphertext = gather([small, OCCUPIED, small].map(wide.answer), wide);
    await send({ bundle, ciphertext });
    expect(results.map(({ camera, label }) => `${camera} ${label}`)).toEqual(['door empty', 'door empty']);
    expect(await counters()).toEqual({ accepted: 2, withheld: 1 });
    expect(await site.store.cameras.withheld()).toMatchObject([
      { camera: 'door', withheld: 0 },
      { camera: 'yard', withheld: 1 },
    ]);
    await wide.close();
    // A network that fills other slots, too, where its picture is not dark.
    const other = await makeTinyNetwork({ period: PERIOD, regions: 3 });
    const { interpretation } = network.protectedNetwork;
    await keepNetwork(site, 'tiny', { ...other.protectedNetwork, interpretation }, 3);
    const release = await releaseTo(site, 'gate', 'tiny');
    const [quiet, loud] = [
      [0.9, 0, 0.1, 0, 0, 0],
      [0.9, 0, 0.1, 0, 0.4, 0],
    ];
    const filled = gather([quiet, quiet, loud].map(other.answer), other);
    await other.close();
    await send({ bundle: release, sequence: 10, later: [at('yard'), at('hall')], ciphertext: filled });
    expect(results.slice(2).map(({ camera, label }) => `${camera} ${label}`)).toEqual([
      ...['door empty', 'yard empty'],
    ]);
    expect(await counters()).toMatchObject({ accepted: 4, withheld: 2 });
  });

  it('may be about regions of pictures, each answer with its own', async () => {
    const wide = await makeTinyNetwork({ period: PERIOD, regions: 2 });
    await keepNetwork(bench.site, 'wide', wide.protectedNetwork, 1);
    const bundle = await releaseTo(bench.site, 'gate', 'wide');
    const both = [...EMPTY, ...OCCUPIED];
    const ciphertext = gather([both, [...OCCUPIED, ...OCCUPIED], both].map(wide.answer), wide);
    await wide.close();
    const later = [at('yard'), at('lot', { regions: ['right', 'left'] })];
    await send({ bundle, ciphertext, regions: ['left', 'right'], later });
    expect(bench.results.map(({ camera, region, label }) => `${camera} ${region} ${label}`)).toEqual([
      ...['door left empty', 'door right occupied', 'yard undefined occupied'],
      ...['lot right empty', 'lot left occupied'],
    ]);
  });

  it('uses up the rate of each camera, and what is beyond it costs the others nothing', async () => {
    const limits = {
      ...{ perCameraPerSecond: 640, ofCameras: new Map([['yard', 0.01]]) },
      ...{ maxAgeMs: 72 * 3_600_000, formerReleaseMs: 72 * 3_600_000 },
    };
    const processor = bench.makeProcessor({ limits });
    newestMs = Math.floor(newestMs / 60_000) * 60_000;
    for (let i = 0; i < 8; i++) await send({ sequence: 3 * i }, processor);
    const of = (camera: string) => bench.results.filter((result) => result.camera === camera).length;
    expect([of('door'), of('yard')]).toEqual([16, 6]);
    expect(await counters()).toEqual({ accepted: 22, 'refused.too-many': 2 });
  });

  it('does not let another gateway speak about a camera that is not its own; the others are heard', async () => {
    await bench.enrol('other');
    await bench.site.store.cameras.claim('yard', 'other', 1);
    await send();
    expect(bench.results.map(({ camera }) => camera)).toEqual(['door', 'door']);
    expect(await counters()).toEqual({ accepted: 2, 'refused.camera': 1 });
  });

  it('counts each of its answers as decrypted, and with what they told about the key', async () => {
    const { site } = bench;
    await send();
    const [sum] = await site.store.leaks.sums();
    expect(sum).toMatchObject({ answers: 3, telling: 3 });
    expect(sum!.bits).toBeCloseTo(3 * sum!.most, 9);
  });
});
