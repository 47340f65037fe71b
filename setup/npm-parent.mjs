import { readFileSync } from 'node:fs';

/**
 * @param {number} pid
 * @returns {{ name: string, parent: number } | null} from proc(5), null where the process is gone or the system has no /proc
 */
function readProcess(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const end = stat.lastIndexOf(')');
    return {
      name: stat.slice(stat.indexOf('(') + 1, end),
      parent: Number(stat.slice(end + 2).split(' ')[1]),
    };
  } catch {
    return null;
  }
}

/** @returns {string} the processes between this one and npm, which runs scripts through a shell that may or may not stay */
function lineage() {
  const parent = readProcess(process.ppid);
  return /^(?:ba|da)?sh$/.test(parent?.name ?? '') ? `${process.ppid} ${parent?.parent}` : `${process.ppid}`;
}

/**
 * A function that tells whether the npm that started this process is gone, killed without a chance to end it. Always false where
 * npm did not start it.
 *
 * @returns {() => boolean}
 */
export function watchNpm() {
  if (process.env.npm_lifecycle_event === undefined) return () => false;
  const before = lineage();
  return () => lineage() !== before;
}
