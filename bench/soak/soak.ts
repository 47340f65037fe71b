import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DEMO_CAMERAS } from '#demo/cameras.ts';
import { followEvents } from '#demo/event-stream.ts';
import { CAMERA, startCameraSite } from '../camera-site.ts';
import { folderBytes } from '../folder-bytes.ts';
import { currentCommit, describeMachine } from '../machine.ts';
import { residentBytes } from '../processor-time.ts';
import { countResults } from './count-results.ts';
import { hourlyGrowth, type Reading } from './slope.ts';

const PROCESSES = ['gateway', 'backend', 'broker'] as const;
type ProcessName = (typeof PROCESSES)[number];

/** How one value went on. */
export type Growth = {
  /** At the first reading, after the warm-up, and at the end. */
  readonly first: number;
  readonly warm: number;
  readonly last: number;
  /** In an hour, by what came after the warm-up; null where that was too short. */
  readonly hourly: number | null;
  /** The same of each quarter of the whole time: whether it bends. */
  readonly quarters: readonly (number | null)[];
};

export type SoakReport = {
  readonly machine: string;
  readonly commit: string;
  readonly network: string;
  readonly camera: Readonly<Record<keyof typeof CAMERA, number>>;
  readonly minutes: number;
  readonly warmMinutes: number;
  readonly answers: number;
  readonly answersPerSecond: number;
  readonly memoryMegabytes: Readonly<Record<ProcessName, Growth>>;
  readonly descriptors: Readonly<Record<ProcessName, Growth>>;
  readonly threads: Readonly<Record<ProcessName, Growth>>;
  /** Of the folder of each; the backend's grows by what it keeps of answers. */
  readonly diskMegabytes: Readonly<Record<'gateway' | 'site', Growth>>;
};

export type SoakOptions = {
  /** Pictures a second that the camera offers. */
  readonly rate: number;
  readonly minutes: number;
  readonly warmMinutes: number;
  readonly signal: AbortSignal;
  readonly onProgress: (text: string, share: number) => void;
};

const LOOK_MS = 5_000;

/**
 * Runs a site at the full rate of its camera, and tells by how much memory, descriptors and disk of each process grow in an hour.
 *
 * @throws BlindsightError DEMO_CAMERA, DEMO_NOT_READY; the signal's reason
 */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { rate, minutes, warmMinutes, signal, onProgress } = options;
  const folder = await mkdtemp(join(tmpdir(), 'blindsight-soak-'));
  const cleanUp: (() => Promise<void>)[] = [() => rm(folder, { recursive: true, maxRetries: 5 })];
  try {
    onProgress('camera and site', 0);
    const { origin, daemons } = await startCameraSite(
      folder,
      signal,
      cleanUp,
      (text) => onProgress(text, 0),
      rate,
    );
    const stop = new AbortController();
    const counting = countResults(
      followEvents(`${origin}/api/events`, AbortSignal.any([signal, stop.signal])),
    );
    await counting.first;
    const readings = new Map<string, Reading[]>();
    const begunMs = performance.now();
    const passedMs = () => performance.now() - begunMs;
    const before = counting.count;
    while (passedMs() < minutes * 60_000) {
      const timeMs = passedMs();
      const note = (name: string, value: number) =>
        readings.set(name, [...(readings.get(name) ?? []), { timeMs, value }]);
      for (const name of PROCESSES) {
        const { pid } = daemons[name];
        note(`${name} memory`, residentBytes(pid) / 2 ** 20);
        note(`${name} descriptors`, readdirSync(`/proc/${pid}/fd`).length);
        note(`${name} threads`, readdirSync(`/proc/${pid}/task`).length);
      }
      const gateways = join(folder, 'site', 'gateways');
      const [all, ofGateway] = [await folderBytes(join(folder, 'site')), await folderBytes(gateways)];
      note('gateway disk', ofGateway / 2 ** 20);
      note('site disk', (all - ofGateway) / 2 ** 20);
      onProgress(`${counting.count} answers`, timeMs / 60_000 / minutes);
      await delay(LOOK_MS, undefined, { signal });
      counting.check();
    }
    const answers = counting.count - before;
    stop.abort();
    const growthOf = (name: string) => growth(readings.get(name)!, warmMinutes * 60_000, minutes * 60_000);
    const each = (what: string) =>
      Object.fromEntries(PROCESSES.map((name) => [name, growthOf(`${name} ${what}`)])) as Record<
        ProcessName,
        Growth
      >;
    return {
      ...{ machine: describeMachine(), commit: await currentCommit(), network: DEMO_CAMERAS[0].network },
      camera: { ...CAMERA, picturesPerSecond: rate },
      ...{ minutes, warmMinutes, answers, answersPerSecond: answers / minutes / 60 },
      ...{ memoryMegabytes: each('memory'), descriptors: each('descriptors'), threads: each('threads') },
      diskMegabytes: { gateway: growthOf('gateway disk'), site: growthOf('site disk') },
    };
  } finally {
    for (const undo of cleanUp) await undo();
  }
}

function growth(readings: readonly Reading[], warmMs: number, ms: number): Growth {
  const warm = readings.filter(({ timeMs }) => timeMs >= warmMs);
  const quarters = [0, 1, 2, 3].map((i) =>
    hourlyGrowth(readings.filter(({ timeMs }) => timeMs >= (i * ms) / 4 && timeMs < ((i + 1) * ms) / 4)),
  );
  return {
    ...{ first: readings[0]!.value, warm: warm[0]?.value ?? Number.NaN, last: readings.at(-1)!.value },
    ...{ hourly: hourlyGrowth(warm), quarters },
  };
}
