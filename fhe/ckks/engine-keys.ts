import type { Address } from '../ring/wasm-arena.ts';
import type { EngineContext } from './engine-context.ts';
import { digitCount, expandKeyHalf, type KeySwitchKey } from './evaluation-keys.ts';

/** A key-switching key in wasm memory: for each digit its two halves, in Montgomery form, NTT form. */
export type EngineKey = {
  readonly level: number;
  readonly address: Address;
  /** Bytes from one digit to the next. */
  readonly stride: number;
  /** Bytes from the first half of a digit to its second. */
  readonly distance: number;
};

/** Expands a key and brings it into wasm memory. */
export function loadKey(engine: EngineContext, key: KeySwitchKey): EngineKey {
  const digits = digitCount(engine.parameters, key.level);
  const a = expandKeyHalf(engine.parameters, key);
  const words = a.length / digits;
  // One block holds all digits as 2·digits polynomials.
  const block = engine.allocate(2 * digits, key.level, true);
  for (let digit = 0; digit < digits; digit++) {
    engine.write(block, key.b.subarray(digit * words, (digit + 1) * words), 2 * digit);
    engine.write(block, a.subarray(digit * words, (digit + 1) * words), 2 * digit + 1);
  }
  engine.runOnce((tape) => engine.toMontgomery(tape, block));
  const distance = engine.distance(block);
  return { level: key.level, address: block.address, stride: 2 * distance, distance };
}
