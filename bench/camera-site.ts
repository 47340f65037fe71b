import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DEMO_CAMERAS } from '#demo/cameras.ts';
import { DaemonProcess } from '#demo/daemon-process.ts';
import { prepareSite } from '#demo/prepare-site.ts';
import { untilReady } from '#demo/ready.ts';
import { changeSettings } from '#demo/settings.ts';
import { SimulatedCamera } from '#demo/simulated-camera.ts';
import { freePort } from '#runtime/ports.ts';
import { answers, listens } from '#runtime/probe.ts';

/** Small, so that camera and decoder, which stand for what is elsewhere or in hardware, leave the cores to the rest. */
const [WIDTH, HEIGHT] = [320, 180];
const RATE = 60;
const CLIP_SECONDS = 20;

/** The camera of the site: the clip of the demo, scaled down. */
export const CAMERA = { width: WIDTH, height: HEIGHT, picturesPerSecond: RATE } as const;

export type CameraSite = {
  /** Of its page. */
  readonly origin: string;
  readonly camera: SimulatedCamera;
  readonly daemons: Readonly<Record<'broker' | 'backend' | 'gateway', DaemonProcess>>;
};

/**
 * Starts a real RTSP camera and the site of the demo with it alone, all of them processes of their own.
 *
 * @param cleanUp what undoes it, the last started first, is put before what is in it
 * @param onExit hears of a camera that ended by itself
 * @param rate pictures a second
 * @throws BlindsightError DEMO_CAMERA, DEMO_NOT_READY
 */
export async function startCameraSite(
  folder: string,
  signal: AbortSignal,
  cleanUp: (() => Promise<void>)[],
  onExit: (message: string) => void,
  rate: number = RATE,
): Promise<CameraSite> {
  const [counter] = DEMO_CAMERAS;
  const clip = await smallClip(folder, rate, signal);
  const camera = await SimulatedCamera.start(clip, onExit);
  cleanUp.unshift(() => camera.stop());
  const site = await prepareSite(join(folder, 'site'), [counter], signal);
  const [broker, page] = [await freePort(0), await freePort(0)];
  const brokerUrl = `mqtts://127.0.0.1:${broker}`;
  const origin = `http://127.0.0.1:${page}`;
  await changeSettings(site.brokerConfig, [[['port'], broker]]);
  await changeSettings(site.backendConfig, [
    [['broker', 'url'], brokerUrl],
    [['api', 'port'], page],
    [['answers', 'perCameraPerSecond'], 2 * rate],
  ]);
  await changeSettings(site.agentConfig, [
    [['broker', 'url'], brokerUrl],
    [['cameras'], [{ name: counter.camera, url: camera.url, rate }]],
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
  return { origin, camera, daemons };
}

async function smallClip(folder: string, rate: number, signal: AbortSignal): Promise<string> {
  const clip = join(folder, 'clip.mp4');
  const filter = `scale=${WIDTH}:${HEIGHT},fps=${rate}`;
  await promisify(execFile)(
    'ffmpeg',
    [
      ...['-loglevel', 'error', '-i', DEMO_CAMERAS[0].clip, '-t', String(CLIP_SECONDS), '-an', '-vf', filter],
      ...['-c:v', 'libx264', '-preset', 'veryfast', '-tune', 'zerolatency', '-g', String(rate), clip],
    ],
    { signal },
  );
  return clip;
}
