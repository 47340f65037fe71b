import type { JournalCode } from '#protocol/events.ts';
import type { Manifest } from '#protocol/manifest.ts';
import type { ChunkRequest, LogEvent } from '#protocol/messages.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import type { Bundle } from '../inference/bundle.ts';
import type { InterpreterHost } from '../inference/interpreter-host.ts';
import type { OpenOptions } from '../inference/interpreter-opener.ts';
import { Pipeline, type PipelineOptions } from '../inference/pipeline.ts';
import { renewInterpreter } from '../inference/renew-interpreter.ts';
import { Runner } from '../inference/runner.ts';
import { Rollout, type RolloutOptions } from '../rollout/rollout.ts';
import type { NetworkFiles } from './network-files.ts';

export type NetworkOptions = Pick<
  RolloutOptions,
  'site' | 'gateway' | 'network' | 'ownerKeys' | 'checkRoom'
> &
  Pick<PipelineOptions, 'onMasked' | 'isWatched' | 'onAnswer' | 'sharesCiphertexts'> & {
    /** The gate for what was never accepted before: freshness. Throws. */
    readonly admit: NonNullable<RolloutOptions['admit']>;
    /** Loads a bundle in threads of its own. */
    readonly open: (options: OpenOptions) => Promise<InterpreterHost>;
    readonly request: (request: ChunkRequest) => void;
    /** Called when what its rollout reports, or {@link Network.model}, changed. */
    readonly onReport: () => void;
    readonly onEvent: (level: LogEvent['level'], code: JournalCode, message: string) => void;
    readonly clock: Clock;
    readonly log: Logger;
  };

/** A network of a gateway: its bundles and their way into service, its interpreter, and the turns of its cameras. */
export class Network {
  readonly rollout: Rollout;
  readonly runner: Runner;
  readonly pipeline: Pipeline;
  #model: string | null = null;

  constructor(files: NetworkFiles, options: NetworkOptions) {
    const { clock, log } = options;
    const open = (bundle: Bundle, selfTest: boolean, signal?: AbortSignal) =>
      options.open({ bundle, selfTest, isBeside: this.runner.host !== null, ...(signal && { signal }) });
    this.runner = new Runner({
      open: (bundle) => open(bundle, false),
      clock,
      log,
      onChange: () => this.pipeline.wake(),
      onGiveUp: (bundle, reason) => this.rollout.rollBack(bundle, reason),
    });
    this.rollout = new Rollout({
      ...options,
      ...files,
      open,
      activate: async (host) => {
        await this.runner.activate(host);
        this.#model = host.bundle.manifest.model;
      },
      deactivate: () => {
        this.#model = null;
        return this.runner.close();
      },
    });
    this.pipeline = new Pipeline({ ...options, cameras: [], runner: this.runner });
  }

  /** Opens the bundle that runs again where its interpreter is not as settings want it; see {@link renewInterpreter}. */
  renew(fits: (host: InterpreterHost) => boolean): Promise<void> {
    return renewInterpreter(this.runner, fits);
  }

  /** Name of the model that answers, also while its interpreter is started again; null where there is none. */
  get model(): string | null {
    return this.#model;
  }

  /** About how much memory the bundle that is loaded takes, in bytes; 0 for none. */
  get loadedBytes(): number {
    const host = this.runner.host;
    return host === null ? 0 : memoryOf(host.bundle.manifest);
  }

  /** In this order: a bundle under test must not become active behind the back of a closed runner. */
  async close(): Promise<void> {
    await this.rollout.close();
    this.#model = null;
    await this.runner.close();
  }
}

/** Of a process that loads a network, measured with two threads, which take a thread and registers each: 15 MB took 270 MB, 53 MB took 520. */
const EACH_BYTES = 128 * 2 ** 20;
const PER_BYTE = 7;

/** About how much memory a bundle takes while it is loaded, in bytes. */
export function memoryOf({ parts }: Pick<Manifest, 'parts'>): number {
  const loaded = parts.filter(({ name }) => name !== 'self-test');
  return EACH_BYTES + PER_BYTE * loaded.reduce((sum, { bytes }) => sum + bytes, 0);
}
