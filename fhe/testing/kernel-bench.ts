import type { Address } from '../engine/memory/arena.ts';
import { Arena } from '../engine/memory/arena.ts';
import { KernelTables } from '../engine/memory/tables.ts';
import { type Op, TapeRecorder } from '../engine/tape/tape.ts';
import { Control } from '../engine/threads/control.ts';
import type { KernelBuild } from '../engine/threads/kernel-module.ts';
import { KernelPool } from '../engine/threads/pool.ts';
import { mulMod } from '../ring/modular.ts';
import { testRandom } from './parameters.ts';

/** A workbench for single operations of the kernel. */
export class KernelBench {
  readonly arena = new Arena();
  readonly pool: KernelPool;
  readonly tables: KernelTables;
  readonly degree: number;

  constructor(degree: number, build: KernelBuild) {
    this.degree = degree;
    this.tables = new KernelTables(this.arena, degree);
    this.pool = new KernelPool(this.arena.memory, this.arena.allocate(Control.words * 4), {
      threads: 1,
      build,
    });
  }

  /** Room for `words` words. */
  room(words = this.degree): Address {
    return this.arena.allocate(words * 4);
  }

  /** Runs one operation and reads `words` words at `at`. */
  run(op: Op, args: readonly number[], at: Address, words = this.degree): Uint32Array {
    const tape = new TapeRecorder(this.arena, this.pool.control);
    tape.task(op, args);
    this.pool.run(tape.finish());
    return this.arena.view(at, words).slice();
  }

  close(): Promise<void> {
    return this.pool.close();
  }
}

/**
 * Residues below `bound` that go to extremes: all zero, all `bound` − 1, the two in turn, or uniform.
 */
export function extremeResidues(
  kind: 'zero' | 'top' | 'mixed' | 'random',
  degree: number,
  bound: number,
  seed = 1,
): Uint32Array {
  const next = testRandom(seed);
  return Uint32Array.from({ length: degree }, () => {
    switch (kind) {
      case 'zero':
        return 0;
      case 'top':
        return bound - 1;
      case 'mixed':
        return next() < 0.5 ? 0 : bound - 1;
      case 'random':
        return Math.floor(next() * bound);
    }
  });
}

/** The kinds of {@link extremeResidues}. */
export const EXTREMES = ['zero', 'top', 'mixed', 'random'] as const;

/** Values times 2^32: how the kernel keeps keys and weights. */
export function montgomery(values: Uint32Array, q: number): Uint32Array {
  const factor = 2 ** 32 % q;
  return values.map((value) => mulMod(value, factor, q));
}
