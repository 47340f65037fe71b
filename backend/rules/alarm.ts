import { type Damping, holdLevel, type Level, setLevel, zeroLevel } from '../events/level.ts';

/** A rule and one of its subjects. */
export type Alarm = {
  /** 1 while the condition of the rule holds; damped by how long it must. */
  readonly level: Level;
  readonly isRaised: boolean;
  /** When it was raised last, in the time that cool-downs are measured in; null if it never was. */
  readonly raisedMs: number | null;
  /** How often the condition held long enough since then, without being told because of the cool-down. */
  readonly untold: number;
};

export type AlarmTiming = Damping & { readonly coolDownMs: number };

export type AlarmTurn = 'raise' | 'end';

type Turned = { readonly alarm: Alarm; readonly turn: AlarmTurn | null };

export function quietAlarm(atMs: number): Alarm {
  return { level: zeroLevel(atMs), isRaised: false, raisedMs: null, untold: 0 };
}

/** Time passes, and what was found holds. @param coolMs the present, in the time of cool-downs */
export function holdAlarm(before: Alarm, atMs: number, coolMs: number, timing: AlarmTiming): Turned {
  return turn(before, holdLevel(before.level, atMs, timing), coolMs, timing);
}

/** Whether the condition holds is found again. Call {@link holdAlarm} up to its time before. */
export function findAlarm(
  before: Alarm,
  holds: boolean,
  atMs: number,
  coolMs: number,
  timing: AlarmTiming,
): Turned {
  return turn(before, setLevel(before.level, holds ? 1 : 0, atMs, timing), coolMs, timing);
}

/** It is not known whether the condition went on holding: it must hold long enough from now on. What was raised stays so. */
export function breakAlarm(before: Alarm): Alarm {
  return { ...before, level: { ...before.level, value: before.level.level, up: null, down: null } };
}

function turn(before: Alarm, level: Level, coolMs: number, { coolDownMs }: AlarmTiming): Turned {
  const [was, is] = [before.level.level > 0, level.level > 0];
  const after = { ...before, level };
  if (was && !is && before.isRaised) return { alarm: { ...after, isRaised: false }, turn: 'end' };
  if (!is || before.isRaised) return { alarm: after, turn: null };
  const isCool = before.raisedMs === null || coolMs - before.raisedMs >= coolDownMs;
  // What still holds when the cool-down is over is told then.
  if (isCool) return { alarm: { ...after, isRaised: true, raisedMs: coolMs, untold: 0 }, turn: 'raise' };
  return { alarm: was ? after : { ...after, untold: before.untold + 1 }, turn: null };
}
