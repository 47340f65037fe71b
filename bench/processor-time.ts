import { readdirSync, readFileSync } from 'node:fs';

/** A tick of the kernel's accounts. */
const TICK_MS = 10;
const PAGE_BYTES = 4096;

/** User and system time of a process and its threads so far, ms. */
export function processorMs(pid: number | undefined): number {
  return ticksOf(`/proc/${pid}/stat`) * TICK_MS;
}

/** The same of the processes that another one has started and that are still there, ms. */
export function childrenMs(parent: number | undefined): number {
  let sum = 0;
  for (const child of childrenOf(parent))
    try {
      sum += processorMs(child);
    } catch {
      // Gone meanwhile.
    }
  return sum;
}

/** The same of those threads of a process that are alive and whose name begins so, ms. */
export function threadsMs(pid: number | undefined, name: string): number {
  const folder = `/proc/${pid}/task`;
  const own = readdirSync(folder).filter((thread) =>
    readFileSync(`${folder}/${thread}/comm`, 'utf8').startsWith(name),
  );
  return own.reduce((sum, thread) => sum + ticksOf(`${folder}/${thread}/stat`), 0) * TICK_MS;
}

/** Memory that a process has now, bytes. */
export function residentBytes(pid: number | undefined): number {
  return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES;
}

/** The numbers of the processes that another one started. */
export function childrenOf(parent: number | undefined): readonly number[] {
  const numbers = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const children = numbers.filter((name) => {
    try {
      return fieldsOf(`/proc/${name}/stat`)[1] === String(parent);
    } catch {
      return false; // Gone meanwhile.
    }
  });
  return children.map(Number);
}

function ticksOf(file: string): number {
  const [user, system] = fieldsOf(file).slice(11, 13);
  return Number(user) + Number(system);
}

/** Fields of a stat file from the third one on: the second may hold spaces. */
function fieldsOf(file: string): string[] {
  return readFileSync(file, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
}
