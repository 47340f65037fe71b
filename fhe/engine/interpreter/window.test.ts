import { ftruncateSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ByteSource } from '../../ckks/byte-source.ts';
import { encodeEvaluationKeys, type KeySwitchKey } from '../../ckks/evaluation-keys.ts';
import type { Parameters } from '../../ckks/parameters.ts';
import type { InterpreterMaterial } from '../../program/interpreter.ts';
import { verifyProgram } from '../../program/verifier.ts';
import { encryptInputs } from '../../secret/encrypt.ts';
import { randomKey } from '../../testing/engine-harness.ts';
import { testParameters } from '../../testing/parameters.ts';
import {
  makeMaterial,
  switchRingProgram,
  testPicture,
  testPrograms,
  wideProgram,
} from '../../testing/programs.ts';
import { createEngineInterpreter, type EngineOptions } from './engine.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'window-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const MIB = 2 ** 20;

/** Opens with as little memory as works. */
async function openSmallest(
  material: InterpreterMaterial,
  options: EngineOptions,
): ReturnType<typeof createEngineInterpreter> {
  const refusal = await createEngineInterpreter(material, { ...options, folder, memoryBytes: MIB }).catch(
    (error: unknown) => error as Error & { code: string },
  );
  if (!(refusal instanceof Error)) throw new Error('a megabyte sufficed');
  expect(refusal.code).toBe('FHE_MEMORY');
  const least = Number(/least that works is (\d+) MB/.exec(refusal.message)?.[1]);
  await expect(
    createEngineInterpreter(material, { ...options, folder, memoryBytes: (least - 1) * MIB }),
  ).rejects.toThrow(`the least that works is ${least} MB`);
  return createEngineInterpreter(material, { ...options, folder, memoryBytes: least * MIB });
}

describe('keys that are shown otherwise in the pass that no digest covers', () => {
  /** Shows other bytes until everything was read once. */
  function twoFaced(bytes: Uint8Array, before: Uint8Array): ByteSource {
    let passes = 0;
    const read = (at: number, length: number): Uint8Array => {
      if (at === 0) passes++;
      return (passes < 2 ? before : bytes).subarray(at, at + length);
    };
    return { length: bytes.length, read };
  }

  it('are refused where a level is another one', async () => {
    const parameters = testParameters(4096, 3, { bits: 26 });
    const test = testPrograms(parameters).find(({ program }) => program.name === 'drop-level')!;
    const { material } = await makeMaterial(test);
    // Of the same length: a key that nobody uses has the level of the other one.
    const [low, high] = [1, 2].map((level) => randomKey(parameters, level, level)) as [
      KeySwitchKey,
      KeySwitchKey,
    ];
    const encode = (used: KeySwitchKey, unused: KeySwitchKey): Uint8Array =>
      encodeEvaluationKeys(parameters, {
        relinearization: null,
        rotations: new Map([
          [8, used],
          [9, unused],
        ]),
      });
    const [keys, shown] = [encode(low, high), encode(high, low)];
    await (await createEngineInterpreter({ ...material, evaluationKeys: keys })).close();
    const evaluationKeys = twoFaced(keys, shown);
    await expect(createEngineInterpreter({ ...material, evaluationKeys })).rejects.toThrow('changed while');
  });

  it('are refused where the ring-switching key is another one', async () => {
    const parameters = testParameters(4096, 2);
    const { material } = await makeMaterial(switchRingProgram(parameters, parameters.moduli[0]!));
    const keys = material.evaluationKeys;
    const shown = Uint8Array.from(keys);
    shown[shown.length - 5]! ^= 1;
    const evaluationKeys = twoFaced(keys, shown);
    await expect(createEngineInterpreter({ ...material, evaluationKeys })).rejects.toThrow('changed while');
  });
});

describe('a window smaller than constants and keys', () => {
  const [one, two] = [1, 2].map((special) => testParameters(8192, 4, { special })) as [
    Parameters,
    Parameters,
  ];
  const programs = [
    ...testPrograms(one).filter(({ program }) => ['rotate-fold', 'chain'].includes(program.name)),
    wideProgram(two, 20),
  ];

  it.each(programs)('$program.name: the same bytes, run after run', async (test) => {
    const { keys, material } = await makeMaterial(test);
    const inputs = await encryptInputs(verifyProgram(test.program), keys.secretKey, testPicture);
    const roomy = await createEngineInterpreter(material, { threads: 2 });
    const small = await openSmallest(material, { threads: 2 });
    try {
      const expected = roomy.runEncrypted(inputs);
      expect(small.memoryUse.bytesPerRun).toBeGreaterThan(0);
      if (test.program.name === 'wide') {
        expect(small.memoryUse.memoryBytes).toBeLessThan(roomy.memoryUse.memoryBytes * 0.6);
      }
      const read: number[] = [];
      for (let run = 0; run < 5; run++) {
        expect(Buffer.compare(small.runEncrypted(inputs), expected)).toBe(0);
        read.push(small.diskUse![1]!);
      }
      expect(read[4]! - read[0]!).toBeGreaterThanOrEqual(3 * small.memoryUse.bytesPerRun);
      expect(roomy.diskUse).toBeNull();
      const seed = new Uint8Array(32).fill(3);
      const answer = roomy.run(testPicture, seed).ciphertext;
      for (const threads of [1, 2, 1]) {
        expect(Buffer.compare(small.run(testPicture, seed, threads).ciphertext, answer)).toBe(0);
      }
      expect(small.share()).toBeNull();
      expect(readdirSync(folder)).toEqual([]);
    } finally {
      await roomy.close();
      await small.close();
    }
  });

  it('gives no answer from a file that was changed or cut, and names it', async () => {
    const test = wideProgram(two, 20);
    const { keys, material } = await makeMaterial(test);
    const inputs = await encryptInputs(verifyProgram(test.program), keys.secretKey, testPicture);
    for (const [damage, reason] of [
      [
        (file: number) => void writeSync(file, new Uint8Array(64).fill(255), 0, 64, 1_000_000),
        /not those that were written/,
      ],
      [(file: number) => ftruncateSync(file, 1_000_000), /it ends at byte \d+, expected \d+ bytes/],
    ] as const) {
      const engine = await openSmallest(material, { threads: 2 });
      engine.runEncrypted(inputs);
      damage(namelessFile());
      // What was read ahead before the damage may still be answered; nothing after that is.
      const attempt = (): Error[] => {
        try {
          engine.runEncrypted(inputs);
          return [];
        } catch (error) {
          return [error as Error];
        }
      };
      const errors = [attempt(), attempt(), attempt()].flat();
      expect(errors.length).toBeGreaterThanOrEqual(2);
      for (const error of errors) expect(error).toMatchObject({ code: 'FHE_DISK', message: reason });
      await engine.close();
    }
  });

  it('refuses a folder that cannot be written, and stops when it is told to', async () => {
    const { material } = await makeMaterial(wideProgram(two, 20));
    const memoryBytes = 14 * MIB;
    await expect(
      createEngineInterpreter(material, { memoryBytes, folder: join(folder, 'none') }),
    ).rejects.toMatchObject({ code: 'FHE_DISK', message: /none: .*ENOENT/ });
    await expect(createEngineInterpreter(material, { memoryBytes })).rejects.toMatchObject({
      code: 'FHE_TOO_LARGE',
    });
    const stop = new AbortController();
    const shares: number[] = [];
    const onProgress = (share: number): void => {
      shares.push(share);
      stop.abort(new Error('enough'));
    };
    const { signal } = stop;
    await expect(
      createEngineInterpreter(material, { memoryBytes, folder, signal, onProgress }),
    ).rejects.toThrow('enough');
    expect(shares[0]).toBeGreaterThan(0);
    expect(shares[0]).toBeLessThanOrEqual(1);
  });
});

/** The file behind the window of the only engine: it has no name. */
function namelessFile(): number {
  const open = readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).includes('.engine-');
    } catch {
      return false;
    }
  });
  expect(open).toHaveLength(1);
  return Number(open[0]);
}
