/** How long a change must last. */
export type Damping = {
  readonly beginMs: number;
  readonly endMs: number;
  /** Breaks of this length do not matter while a rise lasts. */
  readonly graceMs?: number;
};

/** A rise or fall that has not lasted long enough yet. */
type Run = {
  readonly sinceMs: number;
  /** What it is sure of: the least of a rise, the most of a fall. */
  readonly to: number;
  /** Since when it is interrupted. */
  readonly breakMs: number | null;
};

/** How many there are, damped, of values that hold until the next; something that is there or not counts as 1 or 0. */
export type Level = {
  readonly level: number;
  /** Since when there is something, or nothing. */
  readonly sinceMs: number;
  /** The newest value, and how far time has come. */
  readonly value: number;
  readonly atMs: number;
  readonly up: Run | null;
  readonly down: Run | null;
};

/** Nothing is there. */
export function zeroLevel(atMs: number): Level {
  return { level: 0, sinceMs: atMs, value: 0, atMs, up: null, down: null };
}

/** All times of it, `byMs` later. */
export function moveLevel(before: Level, byMs: number): Level {
  const move = (run: Run | null): Run | null =>
    run && { ...run, sinceMs: run.sinceMs + byMs, breakMs: run.breakMs === null ? null : run.breakMs + byMs };
  const { sinceMs, atMs, up, down } = before;
  return { ...before, sinceMs: sinceMs + byMs, atMs: atMs + byMs, up: move(up), down: move(down) };
}

/** Time goes on, and the value holds. At most one change of the level comes of it. */
export function holdLevel(before: Level, atMs: number, damping: Damping): Level {
  const now = { ...before, atMs: Math.max(before.atMs, atMs) };
  const { up, down, value, level } = now;
  if (up?.breakMs != null && now.atMs - up.breakMs > (damping.graceMs ?? 0)) return { ...now, up: null };
  if (up?.breakMs === null && now.atMs - up.sinceMs >= damping.beginMs) {
    const to = up.to;
    const sinceMs = level === 0 ? up.sinceMs : now.sinceMs;
    const next = value > to ? { sinceMs: now.atMs, to: value, breakMs: null } : null;
    return { ...now, level: to, sinceMs, up: next, down: null };
  }
  if (down !== null && now.atMs - down.sinceMs >= damping.endMs) {
    const sinceMs = down.to === 0 ? down.sinceMs : now.sinceMs;
    const next = value < down.to ? { sinceMs: now.atMs, to: value, breakMs: null } : null;
    return { ...now, level: down.to, sinceMs, up: null, down: next };
  }
  return now;
}

/**
 * A new value. Call {@link holdLevel} up to its time before. At most one change of the level comes of it.
 *
 * @param value whole, not negative
 */
export function setLevel(before: Level, value: number, atMs: number, damping: Damping): Level {
  const at = Math.max(before.atMs, atMs);
  const now: Level = {
    ...before,
    value,
    atMs: at,
    up: rise(before, value, at, damping),
    down: fall(before, value, at),
  };
  return holdLevel(now, at, damping);
}

function rise({ level, up }: Level, value: number, atMs: number, { graceMs = 0 }: Damping): Run | null {
  if (value > level) {
    if (up === null) return { sinceMs: atMs, to: value, breakMs: null };
    return { ...up, to: Math.min(up.to, value), breakMs: null };
  }
  if (up === null || graceMs === 0) return null;
  return up.breakMs === null ? { ...up, breakMs: atMs } : up;
}

function fall({ level, down }: Level, value: number, atMs: number): Run | null {
  if (value >= level) return null;
  if (down === null) return { sinceMs: atMs, to: value, breakMs: null };
  return { ...down, to: Math.max(down.to, value) };
}
