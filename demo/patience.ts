import type { SiteState } from '#protocol/api.ts';
import type { Clock } from '#runtime/clock.ts';

/** What a watcher of results waits for. */
export type Awaited = { readonly gateway: string; readonly camera: string };

/** Without a result for so long, and with a reason for that, nobody waits on. */
const PATIENCE_MS = 60_000;

/** Why no result can come as things are, in words; null where one may come any moment. */
function whyNothingComes(state: SiteState, { gateway, camera }: Awaited): string | null {
  if (state.trouble !== undefined) return `the backend cannot use its store: ${state.trouble.message}`;
  if (!state.broker.connected) return `the backend cannot reach the broker: ${state.broker.detail}`;
  const box = state.gateways.find(({ name }) => name === gateway);
  if (box?.state !== 'online') return `gateway ${gateway} is offline`;
  const error = box.reported?.bundle.error ?? null;
  if (error !== null) return `gateway ${gateway} refuses the network: ${error.message} (${error.code})`;
  const view = state.cameras.find((one) => one.camera === camera);
  if (view === undefined || view.state === null)
    return `gateway ${gateway} reports nothing about camera ${camera}`;
  const { state: name, detail } = view.state;
  if (name !== 'streaming') return `camera ${camera}: ${name}. ${detail}`;
  if (view.unusual.length > 0)
    return `camera ${camera} shows something the network was not trained for, and its answers are withheld`;
  return null;
}

/** Knows when it is pointless to wait on for a number of results that somebody asked for. */
export class Patience {
  readonly #awaited: Awaited;
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #patienceMs: number;
  #heardMs: number;
  /** Since when there was neither a result nor progress. */
  #quietSinceMs: number;
  #progress = '';
  #reason: string | null = null;
  #isFinal = false;

  constructor(awaited: Awaited, clock: Pick<Clock, 'monotonic'>, patienceMs = PATIENCE_MS) {
    this.#awaited = awaited;
    this.#clock = clock;
    this.#patienceMs = patienceMs;
    this.#heardMs = this.#quietSinceMs = clock.monotonic();
  }

  heardState(state: SiteState): void {
    this.#heardMs = this.#clock.monotonic();
    const { name, quarantine, reported } =
      state.gateways.find((one) => one.name === this.#awaited.gateway) ?? {};
    // Until somebody decides, and that is not waited for.
    this.#isFinal = quarantine !== null && quarantine !== undefined;
    this.#reason = this.#isFinal
      ? `gateway ${name} is in quarantine: ${quarantine?.reason}`
      : whyNothingComes(state, this.#awaited);
    const progress = `${reported?.bundle.status} ${reported?.bundle.progress}`;
    if (progress !== this.#progress) this.#quietSinceMs = this.#heardMs;
    this.#progress = progress;
  }

  heardResult(): void {
    this.#heardMs = this.#quietSinceMs = this.#clock.monotonic();
  }

  /** Why nothing will come any more, in words; null while it is worth waiting. */
  get lost(): string | null {
    if (this.#isFinal) return this.#reason;
    const now = this.#clock.monotonic();
    const seconds = this.#patienceMs / 1000;
    if (now - this.#heardMs >= this.#patienceMs) return `the backend has been silent for ${seconds} s`;
    if (this.#reason === null || now - this.#quietSinceMs < this.#patienceMs) return null;
    return `no result for ${seconds} s: ${this.#reason}`;
  }
}
