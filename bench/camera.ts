import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEMO_CAMERAS } from '#demo/cameras.ts';
import { followEvents } from '#demo/event-stream.ts';
import type { Result } from '#protocol/messages.ts';
import { CAMERA, startCameraSite } from './camera-site.ts';
import { currentCommit, describeMachine } from './machine.ts';
import { childrenOf, processorMs } from './processor-time.ts';
import { quantile } from './quantile.ts';

/** What a site on this machine makes of one camera that offers more pictures than it can answer. */
export type CameraSpeed = {
  readonly machine: string;
  readonly commit: string;
  readonly network: string;
  readonly camera: { readonly width: number; readonly height: number; readonly picturesPerSecond: number };
  /** How long it was measured. */
  readonly seconds: number;
  readonly answersPerSecond: number;
  /** From the first byte of a decoded picture to the answer in the stream that the page reads. */
  readonly pictureToPageMs: { readonly median: number; readonly p95: number };
  /** Medians of what the answers say about themselves. */
  readonly stagesMs: Readonly<Record<Stage, number>>;
  /** Processor time of each process for one answer: with two cores, 2000 ms a second are there. */
  readonly processorMsPerAnswer: Readonly<Record<string, number>>;
};

const STAGES = ['prepare', 'encrypt', 'evaluate', 'transport', 'decrypt', 'total'] as const;
type Stage = (typeof STAGES)[number];

/** Answers before the measurement: caches, compilers and the auditor are warm. */
const WARM_ANSWERS = 200;

export type CameraBenchOptions = {
  readonly quick?: boolean;
  readonly onProgress?: (text: string, share: number) => void;
  readonly signal?: AbortSignal;
};

/**
 * Measures the whole way, all of it real and on this machine: an RTSP camera at 60 pictures a second (the clip of the demo, scaled down), decoder,
 * gateway, broker, backend with audits, and the stream of events that the page reads.
 *
 * @throws BlindsightError DEMO_CAMERA, DEMO_NOT_READY
 */
export async function benchCamera({
  quick = false,
  onProgress = () => {},
  signal = new AbortController().signal,
}: CameraBenchOptions = {}): Promise<CameraSpeed> {
  const folder = await mkdtemp(join(tmpdir(), 'blindsight-bench-'));
  const cleanUp: (() => Promise<void>)[] = [() => rm(folder, { recursive: true })];
  try {
    onProgress('camera and site', 0);
    const { origin, camera, daemons } = await startCameraSite(folder, signal, cleanUp, (message) =>
      onProgress(message, 0),
    );
    onProgress('answers', 0.2);
    const seconds = quick ? 5 : 20;
    return await measure(origin, seconds, signal, () => ({
      camera: processorMs(camera.pid),
      decoder: processorMs(childrenOf(daemons.gateway.pid)[0]),
      gateway: processorMs(daemons.gateway.pid),
      broker: processorMs(daemons.broker.pid),
      backend: processorMs(daemons.backend.pid),
      page: processorMs(process.pid),
    }));
  } finally {
    for (const undo of cleanUp) await undo();
  }
}

async function measure(
  origin: string,
  seconds: number,
  signal: AbortSignal,
  accounts: () => Record<string, number>,
): Promise<CameraSpeed> {
  const latencies: number[] = [];
  const stages: Record<Stage, number[]> = {
    prepare: [],
    encrypt: [],
    evaluate: [],
    transport: [],
    decrypt: [],
    total: [],
  };
  let [warm, begunMs] = [0, 0];
  let before: Record<string, number> = {};
  for await (const { type, data } of followEvents(`${origin}/api/events`, signal)) {
    if (type !== 'result') continue;
    if (++warm < WARM_ANSWERS) continue;
    if (begunMs === 0) {
      begunMs = performance.now();
      before = accounts();
      continue;
    }
    const result = JSON.parse(data) as Result;
    latencies.push(Date.now() - Date.parse(result.frameTime));
    for (const stage of STAGES) stages[stage].push(result.latencyMs[stage]);
    if (performance.now() - begunMs >= 1000 * seconds) break;
  }
  signal.throwIfAborted();
  const tookMs = performance.now() - begunMs;
  const used = Object.entries(accounts()).map(
    ([name, ms]) => [name, (ms - before[name]!) / latencies.length] as const,
  );
  return {
    machine: describeMachine(),
    commit: await currentCommit(),
    network: DEMO_CAMERAS[0].network,
    camera: CAMERA,
    seconds: tookMs / 1000,
    answersPerSecond: (1000 * latencies.length) / tookMs,
    pictureToPageMs: { median: quantile(latencies, 0.5), p95: quantile(latencies, 0.95) },
    stagesMs: Object.fromEntries(STAGES.map((stage) => [stage, quantile(stages[stage], 0.5)])) as Record<
      Stage,
      number
    >,
    processorMsPerAnswer: Object.fromEntries(used),
  };
}
