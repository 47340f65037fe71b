import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { packBits, packedBytes, residueBits } from '../../ckks/bit-packing.ts';
import { mulMod } from '../../ring/modular.ts';
import { StreamPurpose, sampleUniform } from '../../ring/samplers.ts';
import { testParameters, testRandom } from '../../testing/parameters.ts';
import type { PackedItem } from './item-expander.ts';
import { Loader } from './loader.ts';

const N = 4096;
const LIMB_BYTES = 4 * N + 64;
const { moduli } = testParameters(N, 3, { bits: 26 });
const random = testRandom(5);

type Stored = Omit<PackedItem, 'packed'> & { readonly residues: readonly Uint32Array[] };

/** An item with random residues, and nowhere to go yet. */
function makeItem(digits: number, change: Partial<PackedItem> = {}): Stored {
  const positions = [0, 2];
  const residues = Array.from({ length: digits * positions.length }, (_, i) =>
    Uint32Array.from({ length: N }, () => Math.floor(random() * moduli[positions[i % 2]!]!)),
  );
  const seed = Uint8Array.from({ length: 32 }, () => Math.floor(256 * random()));
  const nowhere = { plain: null, montgomery: null, parts: [] };
  const purpose = StreamPurpose.keySwitchKey;
  const shape = { what: 'test', seed, purpose, digits, positions, isKey: digits > 1 };
  return { ...shape, residues, ...nowhere, ...change };
}

function pack({ residues, ...item }: Stored): PackedItem {
  const limbs = residues.map((values, i) => {
    const bits = residueBits(moduli[item.positions[i % item.positions.length]!]!);
    const words = new Uint32Array(packedBytes(N, bits) / 4);
    packBits(values, bits, words);
    return new Uint8Array(words.buffer);
  });
  return { ...item, packed: Uint8Array.from(Buffer.concat(limbs)) };
}

/** Both halves of a limb in Montgomery form, by definition. */
function halves({ residues, seed, purpose, positions }: Stored, digit: number, limb: number): Uint32Array[] {
  const position = positions[limb]!;
  const q = moduli[position]!;
  const seeded = new Uint32Array(N);
  sampleUniform(seeded, q, seed, purpose, { digit, limb: position });
  return [residues[digit * positions.length + limb]!, seeded].map((values) =>
    values.map((value) => mulMod(value, 2 ** 32 % q, q)),
  );
}

function open(threads: number, flags: 'w+' | 'r' | null = null) {
  const memory = new WebAssembly.Memory({ initial: 16, maximum: 16, shared: true });
  const words = new Uint32Array(memory.buffer);
  const folder = mkdtempSync(join(tmpdir(), 'loader-'));
  writeFileSync(join(folder, 'file'), '');
  const fd = openSync(join(folder, 'file'), flags ?? 'r');
  const checksums = new Uint32Array(new SharedArrayBuffer(8));
  const file = flags !== null ? { fd, checksums, folder } : null;
  const data = { memory, primes: moduli, ringDegree: N, limbBytes: LIMB_BYTES, file };
  const loader = new Loader(data, threads);
  onTestFinished(async () => {
    await loader.close();
    closeSync(fd);
    rmSync(folder, { recursive: true });
  });
  const at = (address: number) => words.slice(address / 4, address / 4 + N);
  return { loader, words, at, checksums, bytes: () => readFileSync(join(folder, 'file')) };
}

describe.each([0, 1, 2])('a loader with %i threads', (threads) => {
  it('expands constants to memory, plain and in Montgomery form', async () => {
    const { loader, at } = open(threads);
    const items = [0, 1, 2].map((i) =>
      makeItem(1, { plain: 8 * i * LIMB_BYTES, montgomery: (8 * i + 4) * LIMB_BYTES }),
    );
    for (const item of items) await loader.add(pack(item));
    await loader.finish();
    for (const item of items)
      for (const limb of [0, 1]) {
        expect(at(item.plain! + limb * LIMB_BYTES)).toEqual(item.residues[limb]);
        for (const [half, values] of halves(item, 0, limb).entries())
          expect(at(item.montgomery! + (limb + 2 * half) * LIMB_BYTES)).toEqual(values);
      }
  });

  it('interleaves keys by four', async () => {
    const { loader, words } = open(threads);
    const item = makeItem(3, { montgomery: 4096 });
    await loader.add(pack(item));
    await loader.finish();
    for (const digit of [0, 1, 2])
      for (const limb of [0, 1])
        for (const [half, values] of halves(item, digit, limb).entries()) {
          const from = (4096 + limb * 8 * 3 * N) / 4;
          const there = values.map((_, i) => words[from + (i >> 2) * 24 + 8 * digit + 4 * half + (i & 3)]!);
          expect(there).toEqual(values);
        }
  });

  it('writes what does not stay in memory to the file, with checksums', async () => {
    const { loader, checksums, bytes } = open(threads, 'w+');
    const size = 2 * LIMB_BYTES;
    // One prime only, the others are not used.
    const item = makeItem(1, { parts: [{ item: 7, position: 2, bytes: size, offset: 128, index: 1 }] });
    await loader.add(pack(item));
    await loader.finish();
    const written = bytes().subarray(128);
    expect(written.length).toBe(size);
    expect(checksums[1]).toBe(crc32(written));
    const there = new Uint32Array(Uint8Array.from(written).buffer);
    for (const [half, values] of halves(item, 0, 1).entries())
      expect(there.subarray((half * LIMB_BYTES) / 4).subarray(0, N)).toEqual(values);
  });

  it('refuses a residue that is not below its prime, and a file that cannot be written', async () => {
    const { loader } = open(threads);
    const wrong = makeItem(1);
    wrong.residues[1]![77] = moduli[2]!;
    const load = async (each: Loader, item: Stored): Promise<void> => {
      await each.add(pack(item));
      await each.finish();
    };
    await expect(load(loader, wrong)).rejects.toMatchObject({
      code: 'FHE_FORMAT',
      message: `test: residue ${moduli[2]} is not below its prime ${moduli[2]}`,
    });
    const { loader: second } = open(threads, 'r');
    const parts = [{ item: 7, position: 0, bytes: 2 * LIMB_BYTES, offset: 0, index: 0 }];
    await expect(load(second, makeItem(1, { parts }))).rejects.toMatchObject({ code: 'FHE_DISK' });
  });
});
