import type { JournalCode } from '#protocol/events.ts';
import type { ChunkRequest, LogEvent } from '#protocol/messages.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import type { Bundle } from '../inference/bundle.ts';
import type { InterpreterHost } from '../inference/interpreter-host.ts';
import { Pipeline, type PipelineOptions } from '../inference/pipeline.ts';
import { Runner } from '../inference/runner.ts';
import { Rollout, type RolloutOptions } from '../rollout/rollout.ts';
import type { NetworkFiles } from './network-files.ts';

export type NetworkOptions = Pick<RolloutOptions, 'site' | 'gateway' | 'ownerKeys'> &
  Pick<PipelineOptions, 'onMasked' | 'isWatched' | 'onAnswer'> & {
    /** The gate for what was never accepted before: freshness. Throws. */
    readonly admit: NonNullable<RolloutOptions['admit']>;
    /** Loads a bundle in a thread of its own. */
    readonly open: (bundle: Bundle, selfTest: boolean, signal?: AbortSignal) => Promise<InterpreterHost>;
    readonly request: (request: ChunkRequest) => void;
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

  constructor(files: NetworkFiles, options: NetworkOptions) {
    const { open, clock, log } = options;
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
      activate: (host) => this.runner.activate(host),
      deactivate: () => this.runner.close(),
    });
    this.pipeline = new Pipeline({ ...options, cameras: [], runner: this.runner });
  }
}
