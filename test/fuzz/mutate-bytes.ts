import type { Dice } from './dice.ts';
import { INTERESTING_NUMBERS, INTERESTING_TEXTS } from './interesting.ts';

const encoder = new TextEncoder();

function splice(bytes: Uint8Array, at: number, remove: number, insert: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length - remove + insert.length);
  out.set(bytes.subarray(0, at));
  out.set(insert, at);
  out.set(bytes.subarray(at + remove), at + insert.length);
  return out;
}

/** An interesting number as 1, 2, 4 or 8 bytes of either order. */
function word(dice: Dice): Uint8Array {
  const size = dice.pick([1, 2, 4, 8]);
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, dice.pick(INTERESTING_NUMBERS), dice.once(2));
  const from = dice.once(2) ? 0 : 8 - size;
  return new Uint8Array(view.buffer, from, size);
}

/** A place in the input; headers are more interesting than what follows. */
function somewhere(length: number, dice: Dice): number {
  return dice.once(2) ? dice.below(Math.min(length, 64) + 1) : dice.below(length + 1);
}

/**
 * One change that knows nothing of the format.
 *
 * @param other where pieces are taken from
 * @param dictionary words of the format
 */
export function mutateBytes(
  bytes: Uint8Array,
  other: Uint8Array,
  dictionary: readonly Uint8Array[],
  dice: Dice,
): Uint8Array {
  const at = somewhere(bytes.length, dice);
  const rest = bytes.length - at;
  const some = Math.min(rest, 1 + dice.below(dice.once(8) ? 256 : 8));
  switch (dice.below(11)) {
    case 0:
    case 1: {
      const out = bytes.slice();
      if (rest > 0) out[at] = out[at]! ^ (1 << dice.below(8));
      return out;
    }
    case 2: {
      const out = bytes.slice();
      if (rest > 0) out[at] = dice.pick([0, 1, 0x7f, 0x80, 0xff, dice.below(256)]);
      return out;
    }
    case 3:
      return splice(bytes, at, some, new Uint8Array());
    case 4:
      return splice(bytes, at, 0, dice.bytes(some));
    case 5:
      return splice(bytes, at, 0, bytes.subarray(at, at + some));
    case 6: {
      const from = dice.below(other.length + 1);
      const piece = other.subarray(from, from + 1 + dice.below(other.length));
      return splice(bytes, at, dice.once(2) ? Math.min(rest, piece.length) : 0, piece);
    }
    case 7: {
      const number = word(dice);
      return splice(bytes, at, Math.min(rest, number.length), number);
    }
    case 8: {
      const entry =
        dictionary.length > 0 && !dice.once(4)
          ? dice.pick(dictionary)
          : encoder.encode(dice.pick(INTERESTING_TEXTS));
      return splice(bytes, at, dice.once(2) ? Math.min(rest, entry.length) : 0, entry);
    }
    case 9:
      return bytes.slice(0, at);
    default:
      return splice(bytes, at, 0, word(dice));
  }
}
