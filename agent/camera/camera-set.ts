import { isDeepStrictEqual } from 'node:util';
import type { CameraConfig } from '#config/schema.ts';
import type { Camera } from './camera.ts';

type Running = { readonly camera: Camera; readonly stop: AbortController; ended: Promise<void> };

/**
 * The cameras of a gateway, which may change while it runs: a camera whose settings stay goes on untouched, one whose settings changed is
 * stopped and started.
 */
export class CameraSet {
  readonly #make: (config: CameraConfig) => Camera;
  #running: readonly Running[];
  #signal: AbortSignal | null = null;
  readonly #failed = Promise.withResolvers<never>();
  /** Pictures of cameras that are not there any more. */
  #former = { captured: 0, superseded: 0 };

  constructor(configs: readonly CameraConfig[], make: (config: CameraConfig) => Camera) {
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

  /** Brings about other settings; what was stopped has ended when this resolves. */
  async apply(configs: readonly CameraConfig[]): Promise<void> {
    const before = this.#running;
    const kept = (config: CameraConfig) =>
      before.find(({ camera }) => isDeepStrictEqual(camera.config, config));
    const next = configs.map((config) => kept(config) ?? this.#add(config));
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
    for (const running of next) if (!before.includes(running)) this.#start(running, signal);
  }

  #add(config: CameraConfig): Running {
    return { camera: this.#make(config), stop: new AbortController(), ended: Promise.resolve() };
  }

  #start(running: Running, signal: AbortSignal): void {
    running.ended = running.camera
      .run(AbortSignal.any([signal, running.stop.signal]))
      .catch((error: unknown) => this.#failed.reject(error));
  }
}
