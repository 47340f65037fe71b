import { NetworkError } from '#network/errors.ts';
import type { Box } from './box.ts';

/** Larger numbers are none of a clip: its frames, its sides. */
const LARGEST = 1e7;

/** The number that a field of a text says in decimal digits; NaN for anything else. */
export function decimal(field: string | undefined): number {
  // What Number takes besides: nothing at all, "Infinity", "0x1".
  return field !== undefined && /^[+\-.\de]{1,40}$/i.test(field) ? Number(field) : Number.NaN;
}

/**
 * A box as it is, if it can be one at all: whole frame number, finite numbers, sides above 0.
 *
 * @param place file and line, for messages
 * @throws NetworkError NETWORK_BOXES.
 */
export function checkedBox(box: Box, place: string): Box {
  const refuse = (what: string): never => {
    throw new NetworkError('NETWORK_BOXES', `${place}: ${what}`);
  };
  if (!Number.isInteger(box.frame) || Math.abs(box.frame) > LARGEST)
    refuse('its frame is no whole number that a clip could have');
  for (const name of ['x', 'y', 'width', 'height'] as const)
    if (!(Math.abs(box[name]) <= LARGEST)) refuse(`its ${name} is no number of pixels`);
  if (box.frame < 0)
    refuse(`its frame lies ${-box.frame} before the first; see where the file begins to count`);
  if (!(box.width > 0 && box.height > 0))
    refuse(`a box of ${box.width} × ${box.height} pixels is none: both sides must be above 0`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused.
  if (!/^[^\u0000-\u001f\u007f]{1,100}$/.test(box.label))
    refuse('its label is empty, longer than 100 characters, or holds control characters');
  return box;
}
