import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { withSite } from '#backend/site-folder.ts';
import type { Store } from '#backend/store/store.ts';
import { systemClock as clock } from '#runtime/clock.ts';
import { LIFELINE_ENVIRONMENT } from '#runtime/lifeline.ts';
import { freePort } from '#runtime/ports.ts';
import { type CitySite, makeCitySite } from '../city/city-site.ts';
import { folderBytes } from '../folder-bytes.ts';
import { currentCommit, describeMachine } from '../machine.ts';
import { residentBytes } from '../processor-time.ts';
import { type Pace, paceEnvironment } from './pace.ts';
import { type Rotated, Rotation } from './rotation.ts';
import type { WeekGateway, WeekStatus } from './week-gateway.ts';

const CLI = join(import.meta.dirname, '..', '..', 'cli', 'main.ts');
const CLOCK = pathToFileURL(join(import.meta.dirname, 'fast-clock.ts')).href;
const DAY_MS = 86_400_000;
const DAYS = 7;
const GATEWAYS = 2;
const EVERY_MS = 60_000;
const LOOK_MS = 1_000;
const PATIENCE_MS = 60_000;
/** Of the real clock, by which TLS judges: whoever gets one on the first day may still show it on the last. */
const CERTIFICATE_DAYS = 9;
const RESULT_DAYS = 2;
/** An eighth of a gateway's own bound, which a week of a line a minute just reaches. */
const LOG_BYTES = 2 ** 17;

const NAMES = ['gateway', 'backend', 'broker'] as const;
type Name = (typeof NAMES)[number];

/** What there was on a day at least: memory rises until it is collected, and what stays is what was not. */
export type Day = {
  readonly memoryMegabytes: Readonly<Record<Name, number>>;
  readonly descriptors: Readonly<Record<Name, number>>;
  /** Of the site, and of the first gateway, at the end of the day. */
  readonly diskMegabytes: Readonly<Record<'site' | 'gateway', number>>;
};

export type WeekReport = {
  readonly machine: string;
  readonly commit: string;
  /** How many times faster than real time. */
  readonly factor: number;
  readonly gateways: number;
  readonly days: readonly Day[];
  readonly made: number;
  readonly accepted: number;
  readonly dropped: number;
  /** By reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** Certificates that each gateway has shown. */
  readonly certificates: readonly number[];
  /** The two files of the log of each gateway. */
  readonly logs: readonly Rotated[];
  /** Of the oldest result, and of the oldest minutes and hours that are rolled up, at the end. */
  readonly oldestDays: Readonly<Record<'result' | 'minute' | 'hour', number | null>>;
  /** What should not be. */
  readonly wrong: readonly string[];
};

export type WeekOptions = {
  readonly pace: Pace;
  readonly signal: AbortSignal;
  readonly onProgress: (text: string, share: number) => void;
};

/**
 * A site for a week of simulated time: broker, backend and two gateways as processes whose clocks go faster. Certificates are renewed, roll-ups roll, logs rotate, old results are removed, and
 * each answer is accounted for. The clock of this process has to go as fast.
 */
export async function week({ pace, signal, onProgress }: WeekOptions): Promise<WeekReport> {
  const folder = await mkdtemp(join(tmpdir(), 'blindsight-week-'));
  const processes = new Map<string, ChildProcess>();
  let keepsFolder = false;
  try {
    const [brokerPort, apiPort] = [await freePort(0), await freePort(0)];
    const site = await makeCitySite(folder, {
      ...{ gateways: GATEWAYS, rate: 1, brokerPort, apiPort, signal },
      settings: [
        [['certificates'], { gatewayDays: CERTIFICATE_DAYS }],
        [['resultsDays'], RESULT_DAYS],
        [['history'], { minuteDays: RESULT_DAYS }],
      ],
      onProgress: (text) => onProgress(text, 0),
    });
    await prepare(folder, site);
    const start = (name: string, given: readonly string[]) =>
      processes.set(name, launch(join(folder, `${name}.log`), given, pace));
    start('broker', [CLI, 'broker', '--config', site.brokerConfig]);
    start('backend', [CLI, 'backend', '--config', site.backendConfig]);
    const statuses = new Map<string, WeekStatus>();
    for (const { name, folder: own } of site.gateways) {
      start(name, [join(import.meta.dirname, 'gateway-process.ts'), own]);
      listen(processes.get(name)!, (status) => statuses.set(name, status));
    }
    const rotations = site.gateways.map((gateway) => new Rotation(join(gateway.folder, 'log')));
    const days = await watch({ folder, site, processes, rotations, signal, onProgress });
    onProgress('what is under way', 1);
    for (const { name } of site.gateways) processes.get(name)!.stdin!.write('\n');
    const count = (of: (status: WeekStatus) => number) =>
      [...statuses.values()].reduce((sum, status) => sum + of(status), 0);
    const isDone = () => [...statuses.values()].every(({ isMaking, waiting }) => !isMaking && waiting === 0);
    for (const endMs = performance.now() + PATIENCE_MS; !isDone() && performance.now() < endMs; )
      await delay(LOOK_MS, undefined, { signal });
    return await withSite(site.data, async ({ store }) => {
      const made = count((status) => status.made);
      for (const endMs = performance.now() + PATIENCE_MS; performance.now() < endMs; await delay(LOOK_MS))
        if (((await store.counters.all()).accepted ?? 0) >= made) break;
      const dropped = count((status) => status.dropped);
      const certificates = [...statuses.values()].map((status) => status.certificates);
      const logs = rotations.map((rotation) => rotation.look());
      const found = { made, dropped, certificates, logs, ...(await look(store)) };
      const about = { machine: describeMachine(), commit: await currentCommit(), factor: pace.factor };
      return { ...about, gateways: GATEWAYS, days, ...found, wrong: wrongOf(found, count) };
    });
  } catch (error) {
    keepsFolder = true;
    throw error;
  } finally {
    for (const child of [...processes.values()].reverse()) await end(child);
    if (!keepsFolder) await rm(folder, { recursive: true, maxRetries: 5 });
  }
}

async function prepare(folder: string, { answers, gateways }: CitySite): Promise<void> {
  await mkdir(join(folder, 'answers'));
  for (const [i, answer] of answers.entries()) await writeFile(join(folder, 'answers', `${i}.bin`), answer);
  for (const { bundle, folder: own } of gateways) {
    const settings: WeekGateway = { bundle, everyMs: EVERY_MS, logBytes: LOG_BYTES };
    await writeFile(join(own, 'week.json'), JSON.stringify(settings));
  }
}

function launch(logFile: string, given: readonly string[], pace: Pace): ChildProcess {
  const log = openSync(logFile, 'a', 0o600);
  const child = spawn(process.execPath, ['--import', CLOCK, ...given], {
    stdio: ['pipe', 'pipe', log, 'pipe'],
    env: { ...process.env, ...LIFELINE_ENVIRONMENT, ...paceEnvironment(pace) },
  });
  closeSync(log);
  child.stdin!.on('error', () => {});
  child.stdout!.resume();
  return child;
}

function listen(child: ChildProcess, onStatus: (status: WeekStatus) => void): void {
  let rest = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    const lines = `${rest}${text}`.split('\n');
    rest = lines.pop()!;
    for (const line of lines) onStatus(JSON.parse(line) as WeekStatus);
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const kill = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  await exit;
  clearTimeout(kill);
}

type Watched = Pick<WeekOptions, 'signal' | 'onProgress'> & {
  readonly folder: string;
  readonly site: CitySite;
  readonly processes: ReadonlyMap<string, ChildProcess>;
  readonly rotations: readonly Rotation[];
};

async function watch({ folder, site, processes, rotations, signal, onProgress }: Watched): Promise<Day[]> {
  const gateway = site.gateways[0]!;
  const days: Day[] = [];
  const begunMs = clock.now();
  while (days.length < DAYS) {
    const lowest = new Map<string, number>();
    const note = (name: string, value: number) =>
      lowest.set(name, Math.min(lowest.get(name) ?? value, value));
    while (clock.now() < begunMs + (days.length + 1) * DAY_MS) {
      await delay(LOOK_MS, undefined, { signal });
      for (const rotation of rotations) rotation.look();
      for (const name of NAMES) {
        const child = processes.get(name === 'gateway' ? gateway.name : name)!;
        if (child.exitCode !== null) throw new Error(`${name} ended (${child.exitCode}); see ${folder}`);
        note(`${name} memory`, residentBytes(child.pid!) / 2 ** 20);
        note(`${name} descriptors`, readdirSync(`/proc/${child.pid}/fd`).length);
      }
      const passed = clock.now() - begunMs;
      onProgress(`day ${days.length + 1} of ${DAYS}`, passed / DAYS / DAY_MS);
    }
    const each = (what: string) =>
      Object.fromEntries(NAMES.map((name) => [name, lowest.get(`${name} ${what}`)!])) as Record<Name, number>;
    days.push({
      ...{ memoryMegabytes: each('memory'), descriptors: each('descriptors') },
      diskMegabytes: {
        site: (await folderBytes(site.data)) / 2 ** 20,
        gateway: (await folderBytes(gateway.folder)) / 2 ** 20,
      },
    });
  }
  return days;
}

async function look(store: Store) {
  const counters = await store.counters.all();
  const refused = Object.entries(counters).filter(
    ([name, value]) => name.startsWith('refused.') && value > 0,
  );
  const nowMs = clock.now();
  const [answer] = await store.storedAnswers.page('camera-g-1', 0, Number.MAX_SAFE_INTEGER, null, 1);
  const oldest = async (level: 'minute' | 'hour') => {
    const unitMs = level === 'minute' ? 60_000 : 3_600_000;
    const [first] = await store.rollUps.all(level, 0, Math.ceil(nowMs / unitMs));
    return first === undefined ? null : (nowMs - first.start * unitMs) / DAY_MS;
  };
  return {
    accepted: counters.accepted ?? 0,
    refused: Object.fromEntries(refused),
    oldestDays: {
      result: answer === undefined ? null : (nowMs - answer.frameMs) / DAY_MS,
      minute: await oldest('minute'),
      hour: await oldest('hour'),
    },
  };
}

type Found = Omit<WeekReport, 'machine' | 'commit' | 'factor' | 'gateways' | 'days' | 'wrong'>;

function wrongOf(found: Found, count: (of: (status: WeekStatus) => number) => number): string[] {
  const { made, accepted, dropped, refused, certificates, logs, oldestDays } = found;
  const { result, minute, hour } = oldestDays;
  return [
    accepted === made ? '' : `${made} answers were made, and ${accepted} accepted`,
    count(({ waiting }) => waiting) === 0 ? '' : 'answers still wait',
    dropped === 0 ? '' : `${dropped} were dropped`,
    Object.keys(refused).length === 0 ? '' : `some were refused: ${JSON.stringify(refused)}`,
    certificates.every((number) => number > 1) ? '' : 'a gateway has still the certificate that it came with',
    logs.every(({ rolled, bytes }) => rolled > 0 && bytes.newer !== null && bytes.older !== null)
      ? ''
      : `a log did not rotate: ${JSON.stringify(logs)}`,
    logs.every(({ mostBytes }) => mostBytes <= LOG_BYTES) ? '' : `a log is larger than ${LOG_BYTES} bytes`,
    // A day more for what is removed once in a while.
    result !== null && result < RESULT_DAYS + 1 ? '' : 'old results are not removed',
    minute !== null && minute < RESULT_DAYS + 2 ? '' : 'old minutes are not removed',
    hour !== null && hour > DAYS - 1 ? '' : 'hours are missing',
  ].filter(Boolean);
}
