import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { runClear } from '../../program/clear.ts';
import type { Program } from '../../program/program.ts';
import { verifyProgram } from '../../program/verifier.ts';
import { createDecryptor } from '../../secret/decryptor.ts';
import { testParameters, worstError } from '../../testing/parameters.ts';
import { makeMaterial, testPicture } from '../../testing/programs.ts';
import { createEngineInterpreter } from './engine.ts';

const BLOCKS = 10;
const FRAMES_PER_BLOCK = 1_000;
const MIB = 2 ** 20;

/** The garbage collector, without a flag on the command line. */
function exposeGarbageCollector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

/** Encryption, hoisted rotations and a fold in the smallest ring: every kind of buffer, a fraction of a millisecond a frame. */
function smallProgram(): Program {
  const { ringDegree, moduli, specialModuli } = testParameters(2048, 1, { bits: 26 });
  return {
    version: 1,
    name: 'small',
    parameters: { ringDegree, moduli, specialModuli },
    picture: { channels: 1, height: 8, width: 8 },
    inputs: [{ level: 0, scale: 2 ** 20, slots: Int32Array.from({ length: 1024 }, (_, i) => i % 64) }],
    constants: [],
    instructions: [
      { op: 'encrypt', out: 0, input: 0 },
      { op: 'rotate', out: 1, source: 0, step: 3 },
      { op: 'rotate', out: 2, source: 0, step: -3 },
      { op: 'add', out: 3, left: 1, right: 2 },
      { op: 'fold', out: 4, source: 3, steps: [1, 2] },
      { op: 'output', source: 4 },
    ],
  };
}

describe('memory of the engine', () => {
  it('does not grow over 10 000 frames', async () => {
    const collect = exposeGarbageCollector();
    const test = { program: smallProgram(), constants: [] };
    const { keys, material } = await makeMaterial(test);
    const engine = await createEngineInterpreter(material, { threads: 2 });
    const decryptor = await createDecryptor(verifyProgram(test.program), keys);
    const measure = async (): Promise<{ wasm: number; heap: number; rss: number }> => {
      // Memory of native handles is freed when the event loop turns.
      for (let i = 0; i < 3; i++) {
        collect();
        await setImmediate();
      }
      const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage();
      const wasm = engine.memoryUse.memoryBytes;
      return { wasm, heap: heapUsed + external + arrayBuffers, rss };
    };
    try {
      let answer: Uint8Array = new Uint8Array();
      const run = async (frames: number): Promise<void> => {
        for (let i = 0; i < frames; i++) {
          answer = engine.run(testPicture).ciphertext;
          if (i % 100 === 0) await setImmediate();
        }
      };
      await run(FRAMES_PER_BLOCK);
      const before = await measure();
      const after: (typeof before)[] = [];
      for (let block = 0; block < BLOCKS; block++) {
        await run(FRAMES_PER_BLOCK);
        after.push(await measure());
      }
      // The answers alone were more than a hundred megabytes.
      expect(BLOCKS * FRAMES_PER_BLOCK * answer.length).toBeGreaterThan(100 * MIB);
      expect(after.at(-1)?.wasm).toBe(before.wasm);
      expect((after.at(-1)?.heap ?? Number.NaN) - before.heap).toBeLessThan(2 * MIB);
      // A leak grows with every block. What the allocator keeps for the next frame shows as jumps of tens of megabytes, in one block or two.
      const growth = after.map(({ rss }, i) => rss - (after[i - 1] ?? before).rss).sort((a, b) => a - b);
      expect(growth[BLOCKS / 2]).toBeLessThan((FRAMES_PER_BLOCK * answer.length) / 4);
      // And the last frame is as good as the first.
      const clear = runClear(verifyProgram(test.program), [], testPicture);
      expect(worstError(decryptor.decrypt(answer), clear)).toBeLessThan(0.1);
    } finally {
      decryptor.close();
      await engine.close();
    }
  });
});
