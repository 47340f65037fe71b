import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeChunk } from '#protocol/chunk.ts';
import { BlindsightError } from '#protocol/errors.ts';
import type { Manifest } from '#protocol/manifest.ts';
import type { Reported } from '#protocol/messages.ts';
import type { Camera } from '../camera/camera.ts';
import type { InterpreterHost } from '../inference/interpreter-host.ts';
import type { Answer, FrameSource } from '../inference/pipeline.ts';
import { whenAborted } from '../when-aborted.ts';
import { memoryOf, Network, type NetworkOptions } from './network.ts';
import { besidePlaces, type NetworkFiles, openNetworkFiles } from './network-files.ts';

/** What is known of a camera. */
export type NetworkCamera = FrameSource & Pick<Camera, 'hold'>;

export type NetworksOptions = Omit<NetworkOptions, 'network' | 'checkRoom'> & {
  /** The data folder. */
  readonly data: string;
  /** For all networks that are loaded, by the settings of now. */
  readonly memoryBytes: () => number;
  /** Called with the names of the networks beside the default one whose releases are to be heard of. */
  readonly onFollow: (names: readonly string[]) => void;
};

/** A network at work. */
type Line = { readonly network: Network; readonly stop: AbortController; ended: Promise<void> | null };

/**
 * The networks of a gateway: the default one, and beside it those that its cameras name. Each computes one picture at a time in threads of its own, so that a slow
 * one takes processor time from a fast one, and never its turn. A camera whose network is not there takes no pictures, unless somebody aims it, and says why.
 */
export class Networks {
  readonly #options: NetworksOptions;
  readonly #main: Line;
  readonly #beside = new Map<string, Line>();
  #cameras: readonly NetworkCamera[] = [];
  /** Pictures of networks that are not there any more. */
  #former = { answers: 0, failures: 0 };
  #signal: AbortSignal | null = null;
  /** That the settings gave to networks last. */
  #memoryBytes: number;
  readonly #closing = new AbortController();
  readonly #failed = Promise.withResolvers<never>();
  #work: Promise<void> = Promise.resolve();
  /** Answers take their numbers in the order in which they are stored. */
  #storing: Promise<unknown> = Promise.resolve();

  /** @param files of the default network */
  constructor(files: NetworkFiles, options: NetworksOptions) {
    this.#options = options;
    this.#failed.promise.catch(() => {});
    this.#memoryBytes = options.memoryBytes();
    this.#main = this.#line(files);
  }

  /** What the gateway says about its bundles. */
  get report(): Required<Pick<Reported, 'bundle' | 'networks'>> {
    return {
      bundle: this.#main.network.rollout.report,
      networks: [...this.#beside].map(([network, line]) => ({ network, ...line.network.rollout.report })),
    };
  }

  get counts(): { readonly answers: number; readonly failures: number } {
    return this.#lines.map(({ network }) => network.pipeline.counts).reduce(add, this.#former);
  }

  /** For how many milliseconds a network has not moved although it could. */
  get stuckMs(): number {
    return Math.max(...this.#lines.map(({ network }) => network.pipeline.stuckMs));
  }

  /** Whether everything runs that cameras look to; one whose network is not there says so itself. */
  get isRunning(): boolean {
    const enabled = this.#cameras.filter(({ config }) => config.enabled);
    const lines = new Set(enabled.map(({ config }) => this.#lineOf(config.network)));
    const needed = [...lines].filter((line) => line === this.#main || (line?.network.model ?? null) !== null);
    return (needed.length > 0 ? needed : [this.#main]).every((line) => line!.network.runner.host !== null);
  }

  /** Takes pictures of these cameras from now on. */
  setCameras(cameras: readonly NetworkCamera[]): void {
    this.#cameras = cameras;
    this.#changed();
  }

  /** Somebody begins to watch the preview of a camera, or nobody watches it any more. */
  watchChanged(): void {
    this.#changed();
  }

  /** There is a new picture. */
  wake(): void {
    for (const { network } of this.#lines) network.pipeline.wake();
  }

  /** @param name of a network beside the default one */
  receiveManifest(wire: Uint8Array, name?: string): void {
    const line = name === undefined ? this.#main : this.#beside.get(name);
    line?.network.rollout.receiveManifest(wire);
  }

  receiveChunk(wire: Uint8Array): void {
    let bundle: string;
    try {
      ({ bundle } = decodeChunk(wire));
    } catch (error) {
      this.#options.log.warn({ err: error }, 'a chunk was ignored');
      return;
    }
    for (const { network } of this.#lines)
      if (network.rollout.report.subject === bundle) network.rollout.receiveChunk(wire);
  }

  /** The backend can be asked again. */
  backendUp(): void {
    for (const { network } of this.#lines) network.rollout.backendUp();
  }

  /** Owner keys or the newest counters are other ones now. */
  trustChanged(): void {
    for (const { network } of this.#lines) network.rollout.reconsider('trust');
  }

  /**
   * Takes other settings up: interpreters that are not as they want them are opened again, and networks that were refused for want of memory have another turn
   * then, whatever became of the others.
   *
   * @throws what opening throws; the old interpreter then keeps running
   */
  async renew(fits: (host: InterpreterHost) => boolean): Promise<void> {
    try {
      for (const { network } of this.#lines) await network.renew(fits);
    } finally {
      const bytes = this.#options.memoryBytes();
      // Trying one again may end what runs for a while, so only where it may help.
      if (bytes !== this.#memoryBytes) this.#machineChanged();
      this.#memoryBytes = bytes;
    }
  }

  /** There may be memory that was missing. */
  #machineChanged(): void {
    for (const { network } of this.#lines) network.rollout.reconsider('machine');
  }

  /** Takes pictures until the signal ends it. */
  async run(signal: AbortSignal): Promise<void> {
    this.#begin(this.#main, signal);
    // First: a camera may name the default network.
    await this.#main.network.rollout.start();
    this.#signal = signal;
    this.#changed();
    await Promise.race([whenAborted(signal, async () => {}), this.#failed.promise]);
    await this.#work;
    await Promise.all(this.#lines.map(({ ended }) => ended));
  }

  /** Ends all interpreters. */
  async close(): Promise<void> {
    this.#closing.abort();
    const closeAll = () => Promise.all(this.#lines.map(({ network }) => network.close()));
    // What opens now ends by that; what began meanwhile ends afterwards.
    await closeAll();
    await this.#work;
    await closeAll();
  }

  get #lines(): readonly Line[] {
    return [this.#main, ...this.#beside.values()];
  }

  #line(files: NetworkFiles, name?: string): Line {
    const options: NetworkOptions = {
      ...this.#options,
      ...(name !== undefined && {
        network: name,
        checkRoom: (manifest: Manifest) => this.#checkRoom(name, manifest),
      }),
      onAnswer: (answer) => this.#store(answer),
      onReport: () => {
        this.#options.onReport();
        this.#changed();
      },
    };
    return { network: new Network(files, options), stop: new AbortController(), ended: null };
  }

  #begin(line: Line, signal: AbortSignal): void {
    line.ended = line.network.pipeline
      .run(AbortSignal.any([signal, line.stop.signal]))
      .catch((error: unknown) => this.#failed.reject(error));
  }

  /** Cameras, or what answers, are other ones now. */
  #changed(): void {
    if (this.#closing.signal.aborted) return;
    this.#share();
    const signal = this.#signal;
    if (signal === null || sameNames(this.#wanted, [...this.#beside.keys()])) return;
    this.#work = this.#work
      .then(() => this.#follow(signal))
      .catch((error: unknown) => this.#options.log.error({ err: error }, 'a network cannot be kept'));
  }

  /** Names of the networks that cameras want beside the default one. */
  get #wanted(): string[] {
    const named = this.#cameras.filter(({ config }) => config.enabled).map(({ config }) => config.network);
    return [...new Set(named)].filter(
      (name) => name !== undefined && name !== this.#main.network.model,
    ) as string[];
  }

  /** Keeps what cameras want, and nothing else. */
  async #follow(signal: AbortSignal): Promise<void> {
    const { onFollow, onReport, data, log } = this.#options;
    const names = this.#wanted;
    for (const [name, line] of this.#beside) if (!names.includes(name)) await this.#leave(name, line);
    const places = besidePlaces(data);
    for (const name of await readdir(places.folder).catch(() => []))
      if (!names.includes(name)) await rm(join(places.folder, name), { recursive: true, force: true });
    for (const name of names) {
      if (this.#beside.has(name) || this.#closing.signal.aborted) continue;
      const files = await openNetworkFiles(places.of(name), { ...this.#options, network: name }, log);
      const line = this.#line(files, name);
      this.#beside.set(name, line);
      this.#begin(line, signal);
      // One after the other, so that each sees what memory the others have taken.
      await line.network.rollout.start();
    }
    onFollow([...this.#beside.keys()]);
    onReport();
    this.#changed();
  }

  async #leave(name: string, line: Line): Promise<void> {
    this.#beside.delete(name);
    this.#share();
    line.stop.abort();
    await line.network.close();
    await line.ended;
    this.#former = add(this.#former, line.network.pipeline.counts);
    this.#machineChanged();
  }

  /** Hands each camera to its network, or holds it. */
  #share(): void {
    const shares = new Map<Line, NetworkCamera[]>(this.#lines.map((line) => [line, []]));
    for (const camera of this.#cameras) {
      const name = camera.config.network;
      const line = this.#lineOf(name);
      // Whoever aims a camera sees it all the same.
      const isWatched = line !== undefined && this.#options.isWatched?.(camera.name);
      const reason = name === undefined || isWatched ? null : this.#obstacle(name, line);
      camera.hold(reason);
      if (reason === null) shares.get(line!)!.push(camera);
    }
    for (const [{ network }, cameras] of shares) network.pipeline.setCameras(cameras);
  }

  #lineOf(name: string | undefined): Line | undefined {
    return name === undefined || name === this.#main.network.model ? this.#main : this.#beside.get(name);
  }

  /** Why a network does not answer, as a sentence; null where it does. */
  #obstacle(name: string, line: Line | undefined): string | null {
    if (line !== undefined && line.network.model !== null) return null;
    const report = line?.network.rollout.report;
    switch (report?.status) {
      case undefined:
      case 'fetching':
      case 'testing':
        return `network ${name} is not here yet`;
      case 'refused':
      case 'rolled-back':
        return `network ${name} was refused: ${report.error?.message} (${report.error?.code})`;
      default: {
        const command = `blindsight deploy ${name} ${this.#options.gateway} --beside`;
        return `its settings name network ${name}, which this gateway does not have: ${command}`;
      }
    }
  }

  /** @throws BlindsightError NETWORK_MEMORY */
  #checkRoom(name: string, manifest: Manifest): void {
    const others = this.#lines.filter((line) => line !== this.#beside.get(name));
    const loaded = others.reduce((sum, { network }) => sum + network.loadedBytes, 0);
    const [bytes, most] = [memoryOf(manifest), this.#options.memoryBytes()];
    if (loaded + bytes <= most) return;
    const megabytes = (count: number) => `${Math.ceil(count / 2 ** 20)} MB`;
    throw new BlindsightError(
      'NETWORK_MEMORY',
      `it takes about ${megabytes(bytes)} beside ${megabytes(loaded)} of other networks; at most ${megabytes(most)} may be loaded`,
    );
  }

  #store(answer: Answer): Promise<boolean> {
    const stored = this.#storing.then(() => this.#options.onAnswer(answer));
    this.#storing = stored.catch(() => {});
    return stored;
  }
}

type Counts = { readonly answers: number; readonly failures: number };

function add(sum: Counts, counts: Counts): Counts {
  return { answers: sum.answers + counts.answers, failures: sum.failures + counts.failures };
}

function sameNames(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((name) => right.includes(name));
}
