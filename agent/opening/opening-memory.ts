import type { Opening } from '#protocol/opening.ts';

/** What is kept of an answer: its opening, or that sealed. */
export type KeptOpening =
  | { readonly plain: Opening; readonly sealed?: never }
  | { readonly sealed: Uint8Array; readonly plain?: never };

const MAX_BYTES = 16 * 2 ** 20;
const MAX_COUNT = 20_000;

/**
 * Openings in memory, oldest first, bounded in bytes, number and age: while no auditor's key is known, or the disk refuses. What leaves it is wiped.
 */
export class OpeningMemory {
  readonly #kept = new Map<string, { readonly opening: KeptOpening; readonly sinceMs: number }>();
  #bytes = 0;
  #dropped = 0;

  get count(): number {
    return this.#kept.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** How many left because of the bounds, before their time. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Answers whose openings are not sealed. */
  get plain(): string[] {
    return [...this.#kept].filter(([, { opening }]) => opening.plain !== undefined).map(([answer]) => answer);
  }

  /** @param nowMs monotonic */
  put(answer: string, opening: KeptOpening, nowMs: number): void {
    this.remove(answer);
    this.#kept.set(answer, { opening, sinceMs: nowMs });
    this.#bytes += sizeOf(opening);
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= MAX_BYTES && this.#kept.size <= MAX_COUNT) break;
      this.remove(oldest);
      this.#dropped++;
    }
  }

  get(answer: string): KeptOpening | null {
    return this.#kept.get(answer)?.opening ?? null;
  }

  /** Forgets one; a plain one is wiped. */
  remove(answer: string): void {
    const kept = this.#kept.get(answer);
    if (kept === undefined) return;
    this.#kept.delete(answer);
    this.#bytes -= sizeOf(kept.opening);
    if (kept.opening.plain !== undefined) wipe(kept.opening.plain);
  }

  /** Forgets what was put before a moment. */
  expire(beforeMs: number): void {
    for (const [answer, { sinceMs }] of this.#kept) {
      if (sinceMs >= beforeMs) return;
      this.remove(answer);
    }
  }

  clear(): void {
    for (const answer of this.#kept.keys()) this.remove(answer);
  }
}

/** Overwrites what must be nowhere any more. */
export function wipe({ picture, seed }: Opening): void {
  picture.fill(0);
  seed.fill(0);
}

function sizeOf({ plain, sealed }: KeptOpening): number {
  return sealed?.length ?? plain!.picture.length + plain!.seed.length;
}
