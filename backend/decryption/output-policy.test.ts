import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { OutputPolicy } from '#protocol/output-policy.ts';
import { changeOutput } from '../operations/change-output.ts';
import { type DecryptingSite, drain, makeDecryptingSite } from '../testing/decrypting-site.ts';
import { makeTinyNetwork, type TinyNetwork } from '../testing/tiny-network.ts';
import type { Processor } from './processor.ts';

describe('the output policy of a network', () => {
  let network: TinyNetwork;
  let occupied: Uint8Array;
  let empty: Uint8Array;
  let bench: DecryptingSite;
  let processor: Processor;
  let sequence = 0;

  beforeAll(async () => {
    network = await makeTinyNetwork();
    occupied = network.answer([0.2, 0.9]);
    empty = network.answer([0.9, 0.2]);
  });
  afterAll(() => network.close());
  beforeEach(async () => {
    bench = await makeDecryptingSite(network);
    processor = bench.makeProcessor();
  });
  afterEach(() => bench.close());

  const set = (output: OutputPolicy) => changeOutput({ site: bench.site, model: 'tiny', output });

  /** Answers of a camera, a second apart: `o` occupied, `e` empty. */
  async function send(answers: string): Promise<void> {
    for (const answer of answers) {
      sequence += 1;
      await bench.put({
        sequence,
        frameTimeMs: Date.now() - 3_600_000 + sequence * 1000,
        ciphertext: answer === 'o' ? occupied : empty,
      });
    }
    await drain(bench, processor);
  }

  it('lets labels out alone: nothing finer leaves the thread, and no share is stored', async () => {
    const decrypt = vi.spyOn(bench.decryptor, 'decrypt');
    await set({ output: 'label' });
    await send('oe');
    expect(await Promise.all(decrypt.mock.results.map(({ value }) => value))).toEqual([
      { kind: 'answer', answers: [{ label: 'occupied' }] },
      { kind: 'answer', answers: [{ label: 'empty' }] },
    ]);
    expect(bench.results).toMatchObject([
      { label: 'occupied', output: 'label' },
      { label: 'empty', output: 'label' },
    ]);
    expect(JSON.stringify(bench.results)).not.toContain('probabilit');
    expect(await bench.site.store.results.latest('door')).toEqual(bench.results[1]);
  });

  it('takes effect with the next answer, and goes back', async () => {
    await send('o');
    await set({ output: 'label' });
    await send('o');
    await set({ output: 'rounded', step: 0.25 });
    await send('o');
    expect(bench.results.map(({ probability }) => probability)).toEqual([0.95, undefined, 1]);
    expect((await bench.site.store.journal.latest(2)).map(({ code }) => code)).toEqual([
      'MODEL_OUTPUT',
      'MODEL_OUTPUT',
    ]);
  });

  it('lets changes out only, and keeps no trace of the answers in between', async () => {
    await set({ output: 'event', equal: 3 });
    await send('ooooeoeoee');
    expect(bench.results).toMatchObject([
      { label: 'occupied', output: 'event' },
      { label: 'empty', output: 'event' },
    ]);
    const { store } = bench.site;
    expect(await store.counters.all()).toEqual({ accepted: 10 });
    const stored = await store.results.history('door', { sinceMs: 0, beforeMs: Date.now() }, 100);
    expect(stored.map(({ result }) => result)).toEqual(bench.results);
    expect(await store.publications.after(0, 100)).toHaveLength(2);
    // After a restart it goes on from the last event.
    processor = bench.makeProcessor();
    await send('eeeee');
    expect(bench.results).toHaveLength(2);
    await send('ooo');
    expect(bench.results).toHaveLength(3);
  });
});
