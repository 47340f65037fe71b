import { BlindsightError } from '#protocol/errors.ts';

/** One gateway to begin with, then a tenth, then all. */
export const DEFAULT_WAVES: readonly string[] = ['1', '10%', '100%'];

const MAX_WAVES = 20;

/**
 * How many gateways have been released to at the end of each wave. What is left after the last wave makes one more; waves that add nobody (a
 * tenth of five gateways after one) are left out.
 *
 * @param waves numbers of gateways ("5") or shares of them ("10%", rounded up), each more than the one before
 * @param total gateways in all, at least 1
 * @returns strictly increasing, the last one `total`
 * @throws BlindsightError ROLLOUT_WAVES.
 */
export function sizeWaves(waves: readonly string[], total: number): number[] {
  if (waves.length > MAX_WAVES) throw invalid(`there are ${waves.length} of them, at most ${MAX_WAVES} go`);
  const sizes: number[] = [];
  let before: (Wave & { readonly text: string }) | null = null;
  for (const text of waves) {
    const wave = parseWave(text);
    const size = Math.min(total, wave.isShare ? Math.ceil((total * wave.value) / 100) : wave.value);
    const last = sizes.at(-1) ?? 0;
    // Two shares, or two numbers, are told apart also where so few gateways make them the same.
    if (before !== null && (before.isShare === wave.isShare ? wave.value <= before.value : size < last))
      throw invalid(`of ${total} gateways, ${text} is not more than ${before.text} before it`);
    before = { ...wave, text };
    if (size > last) sizes.push(size);
  }
  if (sizes.at(-1) !== total) sizes.push(total);
  return sizes;
}

type Wave = { readonly value: number; readonly isShare: boolean };

function parseWave(text: string): Wave {
  const [, digits, sign] = /^(\d{1,6})(%?)$/.exec(text) ?? [];
  if (digits === undefined)
    throw invalid(`“${text}” is neither a number of gateways nor a share such as 10%`);
  const value = Number(digits);
  if (value === 0) throw invalid(`${text} is nobody`);
  if (sign === '%' && value > 100) throw invalid(`${text} is more than all`);
  return { value, isShare: sign === '%' };
}

function invalid(why: string): BlindsightError {
  return new BlindsightError('ROLLOUT_WAVES', `these waves do not go: ${why}`);
}
