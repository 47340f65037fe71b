// Loaded before a process of a chaos run (`--import`), in all of its threads: its wall clock jumps when the number in a file changes.
// Moments at which it was far off, by the right clock, are noted beside that file.
import { openSync, readFileSync, writeSync } from 'node:fs';
import { replaceDate } from '#runtime/testing/replace-date.ts';
import { CLOCK_OFF_MS } from './clock-off.ts';

const LOOK_MS = 50;
const file = process.env.BLINDSIGHT_CHAOS_CLOCK;

if (file !== undefined) {
  const RealDate = Date;
  // Opened now: later the process may be out of descriptors.
  const notes = openSync(`${file}.off`, 'a', 0o600);
  let shiftMs = 0;
  const look = (): void => {
    const beforeMs = shiftMs;
    try {
      shiftMs = Number(readFileSync(file, 'utf8'));
    } catch {
      // Not there: the clock is right.
    }
    // Until now it was as it was before, however long this process was paused.
    const offMs = Math.max(Math.abs(beforeMs), Math.abs(shiftMs));
    if (offMs > CLOCK_OFF_MS) writeSync(notes, `${RealDate.now()}\n`);
  };
  look();
  setInterval(look, LOOK_MS).unref();
  replaceDate(() => RealDate.now() + shiftMs);
}
