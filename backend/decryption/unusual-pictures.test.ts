import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '#runtime/clock.ts';
import { createLogger } from '#runtime/log.ts';
import { SiteView } from '../results/site-view.ts';
import { type DecryptingSite, drain, makeDecryptingSite } from '../testing/decrypting-site.ts';
import { makeTinyNetwork, type TinyNetwork } from '../testing/tiny-network.ts';
import { WithheldLog } from './withheld-log.ts';

const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });

/** Logits are so many times the pixels; the network is calibrated for logits of 10 at most. */
const WEIGHT = 12;
const HONEST = [0.2, 0.7];
/** A logit of 12: what a lamp or noise does to a real network. */
const LAMP = [1, 0.1];

describe('a picture that the network was not trained for', () => {
  let network: TinyNetwork;
  let honest: Uint8Array;
  let lamp: Uint8Array;
  let bench: DecryptingSite;
  let sequence: number;

  beforeAll(async () => {
    network = await makeTinyNetwork({ weight: WEIGHT });
    honest = network.answer(HONEST);
    lamp = network.answer(LAMP);
  });
  afterAll(() => network.close());
  beforeEach(async () => {
    bench = await makeDecryptingSite(network);
    sequence = 0;
  });
  afterEach(() => bench.close());

  const show = (camera: string, ciphertext: Uint8Array, regions?: string[]) =>
    bench.put({ camera, ciphertext, sequence: sequence++, ...(regions && { regions }) });
  const codes = async () =>
    (await bench.site.store.journal.latest(100))
      .map(({ code }) => code)
      .filter((code) => code.startsWith('CAMERA'));
  const view = async (camera: string) =>
    (await new SiteView('yard', bench.site.store, systemClock).snapshot()).cameras.find(
      (one) => one.camera === camera,
    );

  it('withholds that answer and nothing else: no quarantine, and other cameras go on', async () => {
    const processor = bench.makeProcessor();
    for (let i = 0; i < 30; i++) {
      await show('lamp', lamp);
      await show('door', honest);
    }
    await drain(bench, processor);
    expect(bench.results).toHaveLength(30);
    expect(bench.results.every(({ camera }) => camera === 'door')).toBe(true);
    expect((await bench.site.store.gateways.get('gate'))?.quarantine).toBeNull();
    expect(await bench.site.store.counters.all()).toEqual({ accepted: 30, withheld: 30 });
    expect(await view('door')).toMatchObject({ withheld: 0, unusual: [] });
    expect(await view('lamp')).toMatchObject({ withheld: 30, unusual: [{ since: expect.any(String) }] });
  });

  it('is said of its camera after eight of twenty, once, also over a restart, and not when answers come again', async () => {
    for (let i = 0; i < 7; i++) await show('door', lamp);
    await drain(bench, bench.makeProcessor());
    expect((await view('door'))?.unusual).toEqual([]);
    expect(await codes()).toEqual([]);

    await show('door', lamp);
    await drain(bench, bench.makeProcessor());
    expect((await view('door'))?.unusual).toHaveLength(1);
    const [entry] = await bench.site.store.journal.latest(1);
    expect(entry).toMatchObject({ level: 'warn', code: 'CAMERA_UNUSUAL', subject: 'door' });
    expect(entry?.message).toMatch(
      /not trained for: 8 of its last 8 .*\(the last one: its values were outside the range of the network\)/,
    );

    const processor = bench.makeProcessor();
    for (let i = 0; i < 20; i++) await show('door', lamp);
    await drain(bench, processor);
    expect(await codes()).toEqual(['CAMERA_UNUSUAL']);

    for (let i = 0; i < 17; i++) await show('door', honest);
    await drain(bench, processor);
    expect(await view('door')).toMatchObject({ withheld: 28, unusual: [] });
    expect(await codes()).toEqual(['CAMERA_USUAL', 'CAMERA_UNUSUAL']);
    expect(bench.results).toHaveLength(17);
  });

  it('in one region of a camera is said of that region, also where the others are answered', async () => {
    const processor = bench.makeProcessor();
    for (let i = 0; i < 8; i++) {
      await show('hall', honest, ['entrance']);
      await show('hall', lamp, ['stairs']);
    }
    await drain(bench, processor);
    expect(bench.results.map(({ region }) => region)).toEqual(Array(8).fill('entrance'));
    expect((await view('hall'))?.unusual).toMatchObject([{ region: 'stairs' }]);
    expect((await bench.site.store.journal.latest(1))[0]?.message).toMatch(/^region stairs of camera hall /);
  });

  it('cannot be used to fill store or journal: invented regions, and a camera that turns to and fro', async () => {
    const { store } = bench.site;
    await store.cameras.claim('door', 'gate', 1);
    for (let i = 0; i < 200; i++) await store.cameras.noteAnswer('door', [`region-${i}`], true, i);
    const [record] = await store.cameras.withheld();
    expect(record?.withheld).toBe(200);
    const kept = await store.cameras.noteAnswer('door', ['region-199'], true, 1);
    expect(kept, 'one of two withheld is nothing unusual').toEqual([]);

    const rare = new WithheldLog(store, { ...systemClock, monotonic: () => 0 }, log);
    const recent = { ends: 'x'.repeat(8), unusualSinceMs: 1 };
    const names = { gateway: 'gate', camera: 'door' };
    for (let turn = 0; turn < 100; turn++) {
      await rare.turned(names, { region: undefined, unusual: turn % 2 === 0, recent }, 'not-zero');
    }
    expect(await codes()).toHaveLength(30);
  });
});
