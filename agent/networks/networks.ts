import type { Reported } from '#protocol/messages.ts';
import type { InterpreterHost } from '../inference/interpreter-host.ts';
import type { FrameSource } from '../inference/pipeline.ts';
import { renewInterpreter } from '../inference/renew-interpreter.ts';
import { Network, type NetworkOptions } from './network.ts';
import type { NetworkFiles } from './network-files.ts';

/** The networks of a gateway, and which cameras each answers about. */
export class Networks {
  readonly #options: NetworkOptions;
  readonly #main: Network;

  constructor(files: NetworkFiles, options: NetworkOptions) {
    this.#options = options;
    this.#main = new Network(files, options);
  }

  /** What the gateway says about its bundles. */
  get report(): Pick<Reported, 'bundle'> {
    return { bundle: this.#main.rollout.report };
  }

  get counts(): { readonly answers: number; readonly failures: number } {
    return this.#main.pipeline.counts;
  }

  /** For how many milliseconds a network has not moved although it could. */
  get stuckMs(): number {
    return this.#main.pipeline.stuckMs;
  }

  get isRunning(): boolean {
    return this.#main.runner.host !== null;
  }

  /** Takes pictures of these cameras from now on. */
  setCameras(cameras: readonly FrameSource[]): void {
    this.#main.pipeline.setCameras(cameras);
  }

  /** There is a new picture. */
  wake(): void {
    this.#main.pipeline.wake();
  }

  receiveManifest(wire: Uint8Array): void {
    this.#main.rollout.receiveManifest(wire);
  }

  receiveChunk(wire: Uint8Array): void {
    this.#main.rollout.receiveChunk(wire);
  }

  /** The backend can be asked again. */
  backendUp(): void {
    this.#main.rollout.backendUp();
  }

  /** Owner keys or the newest counters are other ones now. */
  trustChanged(): void {
    this.#main.rollout.trustChanged();
  }

  /** Reopens interpreters that are not as settings want them. @throws what opening throws; the old interpreter then keeps running */
  async renew(fits: (host: InterpreterHost) => boolean): Promise<void> {
    const { open } = this.#options;
    await renewInterpreter(this.#main.runner, fits, (bundle) => open(bundle, false));
  }

  /** Takes pictures until the signal ends it. */
  async run(signal: AbortSignal): Promise<void> {
    const started = this.#main.rollout.start();
    await this.#main.pipeline.run(signal);
    await started;
  }

  /** In this order: a bundle under test must not become active behind the back of a closed runner. */
  async close(): Promise<void> {
    await this.#main.rollout.close();
    await this.#main.runner.close();
  }
}
