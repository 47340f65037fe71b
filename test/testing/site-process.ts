import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Result } from '#protocol/messages.ts';
import { root } from '../source-files.ts';

const MARK = 'BLINDSIGHT_TEST_SITE';

/** A process that belongs to a site. */
export type SiteMember = { readonly pid: number; readonly command: string };

type ProcessInfo = SiteMember & { readonly parent: number; readonly marked: boolean };

const LOOK_MS = 250;

function readProcess(pid: number, mark: string): ProcessInfo | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    const marked = readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`${MARK}=${mark}`);
    // A process that ended but was not waited for yet has no command line.
    return command === '' ? null : { pid, parent, command, marked };
  } catch {
    return null; // ended between two looks, or another user's
  }
}

/**
 * All living processes that carry a mark in their environment, which children inherit, and the children of these that were given
 * an environment of their own.
 */
function membersOf(mark: string): SiteMember[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readProcess(Number(name), mark))
    .filter((info) => info !== null);
  const marked = new Set(all.filter((info) => info.marked).map((info) => info.pid));
  return all
    .filter((info) => info.marked || marked.has(info.parent))
    .map(({ pid, command }) => ({ pid, command }));
}

/** An all-in-one site as a person starts it, with `--json`. */
export class SiteProcess {
  readonly child: ChildProcess;
  readonly lines: string[] = [];
  notes = '';
  readonly #mark = crypto.randomUUID();
  readonly #exit: Promise<number | null>;
  readonly #seen = new Map<number, string>();
  readonly #look: NodeJS.Timeout;

  constructor(data: string, ...options: string[]) {
    this.child = spawn(
      process.execPath,
      [join(root, 'cli', 'main.ts'), 'demo', '--json', '--data', data, ...options],
      { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, [MARK]: this.#mark } },
    );
    createInterface({ input: this.child.stdout! }).on('line', (line) => this.lines.push(line));
    this.child.stderr!.on('data', (bytes) => {
      this.notes += String(bytes);
    });
    this.#look = setInterval(() => this.members, LOOK_MS);
    this.#exit = once(this.child, 'close').then(([code]) => code as number | null);
  }

  /** Exit code, once the process and its output have ended; null where a signal ended it. */
  get exit(): Promise<number | null> {
    return this.#exit;
  }

  /** Results so far; every line must be one. */
  get results(): Result[] {
    return this.lines.map((line) => Result.parse(JSON.parse(line)));
  }

  /** Living processes of this site, also those that lost their parent and were seen before. */
  get members(): SiteMember[] {
    const now = membersOf(this.#mark);
    const known = new Set(now.map(({ pid }) => pid));
    for (const [pid, command] of this.#seen) {
      if (!known.has(pid) && readProcess(pid, this.#mark)?.command === command) now.push({ pid, command });
    }
    for (const { pid, command } of now) this.#seen.set(pid, command);
    return now;
  }

  /** Kills whatever is left and stops looking. */
  cleanUp(): void {
    clearInterval(this.#look);
    for (const { pid } of this.members) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended meanwhile.
      }
    }
  }

  /** The page's address, as it was told. */
  get origin(): string {
    const origin = /The page: (http:\S+?)\/\s/.exec(this.notes)?.[1];
    if (origin === undefined) throw new Error(`no page yet:\n${this.notes}`);
    return origin;
  }
}
