import { InvalidArgumentError } from 'commander';

/** An option's value as an integer within bounds, for commander. */
export function integer(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
    }
    return value;
  };
}

/** An option's value as a power of two up to `most`, for commander. */
export function powerOfTwo(most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value > most || !Number.isInteger(Math.log2(value))) {
      throw new InvalidArgumentError(`Expected a power of two from 1 to ${most}.`);
    }
    return value;
  };
}

/** An option's value as a camera address, for commander. The error does not repeat it: it may contain a password. */
export function cameraAddress(text: string): string {
  const parsed = URL.parse(text);
  if (parsed === null || !/^rtsps?:$/.test(parsed.protocol) || parsed.hostname === '') {
    throw new InvalidArgumentError('Expected rtsp://[user:password@]host[:port]/path.');
  }
  return text;
}

/** An option's value as a finite number, for commander. */
export function number(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('Expected a number.');
  return value;
}

/** An option's value as comma-separated numbers, for commander. */
export function numbers(text: string): number[] {
  return text.split(',').map(number);
}

/** An option's value as comma-separated names, for commander. */
export function names(text: string): string[] {
  return text.split(',').map((name) => name.trim());
}

/** An option's value as a share between 0 and 1, both excluded, for commander. */
export function share(text: string): number {
  const value = number(text);
  if (!(value > 0 && value < 1)) throw new InvalidArgumentError('Expected a number between 0 and 1.');
  return value;
}

/** An option's value as a part of a frame, x,y,width,height in fractions of it, for commander. */
export function region(text: string): { x: number; y: number; width: number; height: number } {
  const [x, y, width, height, ...more] = numbers(text);
  const inside = [x, y, width, height].every((value) => value !== undefined && value >= 0 && value <= 1);
  if (!inside || more.length > 0 || x! + width! > 1 || y! + height! > 1 || width === 0 || height === 0) {
    throw new InvalidArgumentError('Expected x,y,width,height in fractions of the frame, within it.');
  }
  return { x: x!, y: y!, width: width!, height: height! };
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** An option's value as a time such as 90s, 30m, 2h or 7d, in ms, for commander. */
export function duration(mostMs: number): (text: string) => number {
  return (text) => {
    const [, count, unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
    const ms = Number(count) * (UNIT_MS[unit] ?? 0);
    if (!(ms > 0 && ms <= mostMs)) {
      throw new InvalidArgumentError(
        `Expected a time such as 90s, 30m, 2h or 7d, at most ${Math.floor(mostMs / 86_400_000)}d.`,
      );
    }
    return ms;
  };
}

/** A day or a moment as milliseconds since the epoch, for commander. */
export function moment(text: string): number {
  const ms = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw new InvalidArgumentError('Expected a day or a moment: 2026-03-01T08:00Z.');
  return ms;
}
