import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DEMO_CAMERAS } from '#demo/cameras.ts';
import { DaemonProcess } from '#demo/daemon-process.ts';
import { followEvents } from '#demo/event-stream.ts';
import { freePort } from '#demo/ports.ts';
import { prepareSite } from '#demo/prepare-site.ts';
import { untilReady } from '#demo/ready.ts';
import { changeSettings } from '#demo/settings.ts';
import { SimulatedCamera } from '#demo/simulated-camera.ts';
import type { Result } from '#protocol/messages.ts';
import { answers, listens } from '#runtime/probe.ts';
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

/** Small, so that camera and decoder, which stand for what is elsewhere or in hardware, leave the cores to the rest. */
const [WIDTH, HEIGHT] = [320, 180];
const RATE = 60;
const CLIP_SECONDS = 20;
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
    const clip = await smallClip(folder, signal);
    const camera = await SimulatedCamera.start(clip, (message) => onProgress(message, 0));
    cleanUp.unshift(() => camera.stop());
    const { origin, daemons } = await startSite(folder, camera.url, signal, cleanUp);
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

async function smallClip(folder: string, signal: AbortSignal): Promise<string> {
  const clip = join(folder, 'clip.mp4');
  const filter = `scale=${WIDTH}:${HEIGHT},fps=${RATE}`;
  await promisify(execFile)(
    'ffmpeg',
    [
      ...['-loglevel', 'error', '-i', DEMO_CAMERAS[0].clip, '-t', String(CLIP_SECONDS), '-an', '-vf', filter],
      ...['-c:v', 'libx264', '-preset', 'veryfast', '-tune', 'zerolatency', '-g', String(RATE), clip],
    ],
    { signal },
  );
  return clip;
}

type Daemons = Readonly<Record<'broker' | 'backend' | 'gateway', DaemonProcess>>;

async function startSite(
  folder: string,
  url: string,
  signal: AbortSignal,
  cleanUp: (() => Promise<void>)[],
): Promise<{ readonly origin: string; readonly daemons: Daemons }> {
  const [counter] = DEMO_CAMERAS;
  const site = await prepareSite(join(folder, 'site'), [counter], signal);
  const [broker, page] = [await freePort(0), await freePort(0)];
  const brokerUrl = `mqtts://127.0.0.1:${broker}`;
  const origin = `http://127.0.0.1:${page}`;
  await changeSettings(site.brokerConfig, [[['port'], broker]]);
  await changeSettings(site.backendConfig, [
    [['broker', 'url'], brokerUrl],
    [['api', 'port'], page],
    [['answers', 'perCameraPerSecond'], 2 * RATE],
  ]);
  await changeSettings(site.agentConfig, [
    [['broker', 'url'], brokerUrl],
    [['cameras'], [{ name: counter.camera, url, rate: RATE }]],
  ]);
  const start = async (name: string, config: string, isReady: () => Promise<boolean>) => {
    const log = join(folder, `${name}.log`);
    const daemon = new DaemonProcess(name, config, log, () => {});
    daemon.start();
    cleanUp.unshift(() => daemon.stop());
    await untilReady(`the ${name}`, isReady, log, signal);
    return daemon;
  };
  const daemons = {
    broker: await start('broker', site.brokerConfig, () => listens(broker)),
    backend: await start('backend', site.backendConfig, () => answers(`${origin}/api/state`)),
    gateway: await start('agent', site.agentConfig, async () => true),
  };
  return { origin, daemons };
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
    camera: { width: WIDTH, height: HEIGHT, picturesPerSecond: RATE },
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
