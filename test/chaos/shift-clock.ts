// Loaded before a process of a chaos run (`--import`), in all of its threads: its wall clock jumps when the number in a file changes.
import { readFileSync } from 'node:fs';

const LOOK_MS = 50;
const file = process.env.BLINDSIGHT_CHAOS_CLOCK;

if (file !== undefined) {
  const RealDate = Date;
  let shiftMs = 0;
  const look = (): void => {
    try {
      shiftMs = Number(readFileSync(file, 'utf8'));
    } catch {
      // Not there: the clock is right.
    }
  };
  look();
  setInterval(look, LOOK_MS).unref();
  const now = (): number => RealDate.now() + shiftMs;
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, given, newTarget) =>
      Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget),
    get: (target, name, receiver) => (name === 'now' ? now : Reflect.get(target, name, receiver)),
  });
}
