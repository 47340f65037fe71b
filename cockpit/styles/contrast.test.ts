import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const TOKENS = readFileSync(new URL('./tokens.css', import.meta.url), 'utf8');

/** Contrast ratio of two `#rrggbb` colors, 1 to 21 (WCAG 2.2, "relative luminance"). */
function contrast(left: string, right: string): number {
  const [high, low] = [luminance(left), luminance(right)].sort((a, b) => b - a) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

function luminance(color: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function token(name: string, theme: 'light' | 'dark'): string {
  const match = new RegExp(`--${name}: light-dark\\((#[0-9a-f]{6}), (#[0-9a-f]{6})\\)`).exec(TOKENS);
  const color = match?.[theme === 'light' ? 1 : 2];
  if (color === undefined) throw new Error(`tokens.css has no --${name}`);
  return color;
}

describe.each(['light', 'dark'] as const)('in the %s theme', (theme) => {
  it.each(['ink', 'quiet', 'accent', 'good', 'wait', 'warn', 'bad', 'off'])(
    '%s reads on every ground',
    (name) => {
      for (const ground of ['ground', 'surface', 'sunken']) {
        expect(contrast(token(name, theme), token(ground, theme)), ground).toBeGreaterThanOrEqual(4.5);
      }
    },
  );

  it('what is written on a filled button or mark reads too', () => {
    expect(contrast(token('on-accent', theme), token('accent', theme))).toBeGreaterThanOrEqual(4.5);
    expect(contrast(token('surface', theme), token('warn', theme))).toBeGreaterThanOrEqual(4.5);
  });

  it('the label in front stands out from the one behind', () => {
    expect(contrast(token('series-1', theme), token('series-0', theme))).toBeGreaterThanOrEqual(2);
  });
});
