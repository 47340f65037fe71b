import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { BlindsightError } from '#protocol/errors.ts';
import { lockData } from '#runtime/data-lock.ts';
import { EXIT } from '#runtime/exit.ts';
import { freePort, isFree } from '#runtime/ports.ts';
import { answers, listens } from '#runtime/probe.ts';
import { step } from '#setup/progress.mjs';
import { type CameraSetting, cameraSetting } from './camera-address.ts';
import { DEMO_CAMERAS } from './cameras.ts';
import { DaemonProcess } from './daemon-process.ts';
import { keepBounded } from './keep-bounded.ts';
import type { DemoOptions } from './options.ts';
import { prepareSite, renewNetwork, viewerPass } from './prepare-site.ts';
import { untilReady } from './ready.ts';
import { RefusalWatch } from './refusal-watch.ts';
import { changeSettings } from './settings.ts';
import { SimulatedCamera } from './simulated-camera.ts';
import { watchResults } from './watch.ts';

const PAGE_PORT = 8480;
const BROKER_PORT = 8883;
/** Pictures a second of each simulated camera. */
const SIMULATED_RATE = 5;

const note = (line: string) => void process.stderr.write(`${line}\n`);

async function pagePort(wanted: number | null): Promise<number> {
  if (wanted === null) return freePort(PAGE_PORT);
  if (await isFree(wanted)) return wanted;
  throw new BlindsightError('DEMO_PORT_TAKEN', `port ${wanted} of the loopback interface is in use`);
}

/** A new log for every run; the one before it is kept. */
async function freshLog(folder: string, name: string): Promise<string> {
  const file = join(folder, `${name}.log`);
  if (existsSync(file)) await rename(file, `${file}.1`);
  return file;
}

/**
 * Runs a whole site on this machine until enough results came or `signal` aborts: the three daemons as processes of their own,
 * started with the same commands and files as on a real site.
 *
 * @returns exit code
 * @throws BlindsightError DATA_IN_USE, DEMO_PORT_TAKEN, DEMO_CAMERA, DEMO_NOT_READY, DEMO_REFUSED, DEMO_NO_RESULTS, and what the site's operations throw
 */
export async function runDemo(options: DemoOptions, signal: AbortSignal): Promise<number> {
  const data = resolve(options.data);
  // In the order in which they are undone: the last started ends first.
  const cleanUp: (() => Promise<void> | void)[] = [lockData(data, 'demo')];
  const stop = new AbortController();
  const ending = AbortSignal.any([signal, stop.signal]);
  let failure: unknown = null;
  process.stdout.on('error', () => stop.abort()); // whoever read our results went away

  try {
    const page = await pagePort(options.port);
    // Whoever chooses the page's port may run several sites, which would find the usual one free at the same moment.
    const broker = await freePort(options.port === null ? BROKER_PORT : 0);
    const simulated = options.camera === null ? DEMO_CAMERAS : [];
    const site = await prepareSite(data, simulated.length > 0 ? simulated : DEMO_CAMERAS.slice(0, 1), ending);
    if (ending.aborted) return EXIT.interrupted;

    const brokerUrl = `mqtts://127.0.0.1:${broker}`;
    await changeSettings(site.brokerConfig, [[['port'], broker]]);
    await changeSettings(site.backendConfig, [
      [['broker', 'url'], brokerUrl],
      [['api', 'port'], page],
    ]);

    const logs = join(data, 'logs');
    await mkdir(logs, { recursive: true, mode: 0o700 });
    const startDaemon = async (name: string, config: string, isReady: (() => Promise<boolean>) | null) => {
      const log = await freshLog(logs, name);
      const daemon = new DaemonProcess(name, config, log, note);
      daemon.start();
      cleanUp.unshift(() => daemon.stop(), keepBounded(log));
      if (isReady === null) return;
      await step(`Starting the ${name}`, () => untilReady(`the ${name}`, isReady, log, ending));
    };

    const origin = `http://127.0.0.1:${page}`;
    await startDaemon('broker', site.brokerConfig, () => listens(broker));
    await startDaemon('backend', site.backendConfig, () => answers(`${origin}/api/state`));
    const cameras: CameraSetting[] = [];
    for (const { camera: name, network, clip } of simulated) {
      const camera = await SimulatedCamera.start(clip, note);
      cleanUp.unshift(() => camera.stop());
      const beside = network === DEMO_CAMERAS[0].network ? {} : { network };
      cameras.push({ name, url: camera.url, rate: SIMULATED_RATE, ...beside });
    }
    if (options.camera !== null)
      cameras.push(await cameraSetting(site.gatewayFolder, 'camera', options.camera));
    await changeSettings(site.agentConfig, [
      [['broker', 'url'], brokerUrl],
      [['cameras'], cameras],
    ]);
    await startDaemon('agent', site.agentConfig, null);

    const refusals = site.releases.map(
      (release) =>
        new RefusalWatch(
          release,
          (refused) => renewNetwork(data, refused, ending),
          (error) => {
            failure = error;
            stop.abort();
          },
          join(logs, 'agent.log'),
        ),
    );
    note(`The page: ${origin}/   (Ctrl-C stops everything)`);
    const count = await watchResults({
      origin,
      pass: () => viewerPass(data),
      gateway: basename(site.gatewayFolder),
      cameras: cameras.map(({ name }) => name),
      json: options.json,
      once: options.once,
      print: (line) => void process.stdout.write(`${line}\n`),
      note,
      onRefused: (subject, error) => {
        for (const watch of refusals) watch.hear(subject, error);
      },
      signal: ending,
    });
    if (failure !== null) throw failure;
    return options.once === null || count >= options.once ? EXIT.done : EXIT.interrupted;
  } catch (error) {
    // Whatever fails because it was cut short is no news to the person who asked for that.
    if (ending.aborted && failure === null) return EXIT.interrupted;
    throw failure ?? error;
  } finally {
    await step('Ending', async () => {
      for (const undo of cleanUp) await undo();
    });
  }
}
