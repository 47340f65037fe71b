import { isDeepStrictEqual } from 'node:util';
import type { CameraConfig } from '#config/schema.ts';
import { readSecretFile } from '#runtime/files.ts';
import type { Camera } from './camera.ts';

type Running = {
  readonly camera: Camera;
  readonly stop: AbortController;
  /** As it was last applied: those of the camera, but that the file with its login may be another one. */
  config: CameraConfig;
  ended: Promise<void> | null;
};

/** Creates a camera from its settings; `current` returns the present ones. */
type MakeCamera = (config: CameraConfig, current: () => CameraConfig) => Camera;

/**
 * The cameras of a gateway, which may change while it runs: a camera with unchanged settings keeps running, one with changed settings is
 * restarted.
 */
export class CameraSet {
  readonly #make: MakeCamera;
  #running: readonly Running[];
  #signal: AbortSignal | null = null;
  readonly #failed = Promise.withResolvers<never>();
  /** Pictures of cameras that no longer exist. */
  #former = { captured: 0, superseded: 0 };

  constructor(configs: readonly CameraConfig[], make: MakeCamera) {
    this.#make = make;
    this.#running = configs.map((config) => this.#add(config));
  }

  get all(): readonly Camera[] {
    return this.#running.map(({ camera }) => camera);
  }

  /** Pictures of all cameras since the start. */
  get counts(): { readonly captured: number; readonly superseded: number } {
    return this.all.reduce(
      (sum, { counts }) => ({
        captured: sum.captured + counts.captured,
        superseded: sum.superseded + counts.superseded,
      }),
      this.#former,
    );
  }

  /** Runs them until the signal ends it; all capture processes are gone when this resolves. */
  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    for (const running of this.#running) this.#start(running, signal);
    const aborted = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.race([aborted, this.#failed.promise]);
    await Promise.all(this.#running.map(({ ended }) => ended));
  }

  /** Applies new settings; stopped cameras have ended when this resolves. */
  async apply(configs: readonly CameraConfig[]): Promise<void> {
    const before = this.#running;
    const next = await Promise.all(
      configs.map(async (config) => {
        const running = before.find(({ camera }) => camera.name === config.name);
        if (running === undefined || !(await isSame(running.config, config))) return this.#add(config);
        running.config = config;
        return running;
      }),
    );
    const gone = before.filter((running) => !next.includes(running));
    this.#running = next;
    for (const { stop } of gone) stop.abort();
    await Promise.all(gone.map(({ ended }) => ended));
    for (const { camera } of gone) {
      this.#former = {
        captured: this.#former.captured + camera.counts.captured,
        superseded: this.#former.superseded + camera.counts.superseded,
      };
    }
    const signal = this.#signal;
    if (signal === null) return;
    for (const running of next) this.#start(running, signal);
  }

  #add(config: CameraConfig): Running {
    const current = () => running.config;
    const camera = this.#make(config, current);
    const running: Running = { camera, config, stop: new AbortController(), ended: null };
    return running;
  }

  #start(running: Running, signal: AbortSignal): void {
    running.ended ??= running.camera
      .run(AbortSignal.any([signal, running.stop.signal]))
      .catch((error: unknown) => this.#failed.reject(error));
  }
}

/** Whether settings are the same: a login that came anew lies in another file, and may be the same all the same. */
async function isSame(before: CameraConfig, after: CameraConfig): Promise<boolean> {
  if (isDeepStrictEqual(before, after)) return true;
  const [old, now] = [before.credentials, after.credentials];
  if (old === undefined || now === undefined) return false;
  if (!isDeepStrictEqual({ ...before, credentials: now }, after)) return false;
  try {
    return (await readSecretFile(old)).equals(await readSecretFile(now));
  } catch {
    return false;
  }
}
