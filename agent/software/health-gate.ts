import type { Clock } from '#runtime/clock.ts';
import type { Trial } from './software-state.ts';

/** How the gateway does, for the comparison with how it did before an update. */
export type Condition = {
  /** Cameras that send pictures. */
  readonly streaming: readonly string[];
  /** Cameras that should, by the settings of now. */
  readonly wanted: readonly string[];
  /** Answers since the start. */
  readonly answers: number;
};

export type HealthGateOptions = {
  readonly trial: Pick<Trial, 'before' | 'limitMs'>;
  readonly condition: () => Condition;
  /** Whether the broker takes our messages. */
  readonly proveLink: () => Promise<boolean>;
  readonly clock: Clock;
  readonly pollMs?: number;
};

const POLL_MS = 1_000;

/** What is to be compared after an update: what is not well now is not asked for then. */
export function conditionBefore({ streaming, answers }: Condition): Trial['before'] {
  return { cameras: [...streaming], answers: answers > 0 && streaming.length > 0 };
}

/**
 * Waits until everything is as well as before the update at once: the link is up, the cameras that streamed stream, answers are made.
 *
 * @returns null, or what is still lacking when the time is over
 * @throws the signal's reason
 */
export async function passHealthGate(
  options: HealthGateOptions,
  signal: AbortSignal,
): Promise<string | null> {
  const { trial, clock, pollMs = POLL_MS } = options;
  const end = clock.monotonic() + trial.limitMs;
  for (;;) {
    const lacking = lacks(options) ?? ((await isLinked(options, end, signal)) ? null : NO_LINK);
    signal.throwIfAborted();
    if (lacking === null) return null;
    const left = end - clock.monotonic();
    if (left <= 0) return lacking;
    await clock.sleep(Math.min(pollMs, left), signal);
  }
}

const NO_LINK = 'there is no connection to the broker';

function lacks({ trial, condition }: HealthGateOptions): string | null {
  const { before } = trial;
  const { streaming, wanted, answers } = condition();
  const dark = before.cameras.filter((name) => wanted.includes(name) && !streaming.includes(name));
  if (dark.length > 0) return `no pictures from ${dark.join(', ')}, which streamed before`;
  const isAnswering = answers > 0 || !before.cameras.some((name) => wanted.includes(name));
  return before.answers && !isAnswering ? 'no answers are made, as there were before' : null;
}

/** A broker that does not answer at all counts as none. */
async function isLinked(
  { proveLink, clock }: HealthGateOptions,
  end: number,
  signal: AbortSignal,
): Promise<boolean> {
  const done = new AbortController();
  const either = AbortSignal.any([signal, done.signal]);
  const late = clock.sleep(Math.max(0, end - clock.monotonic()), either).then(
    () => false,
    () => false,
  );
  try {
    return await Promise.race([proveLink(), late]);
  } finally {
    done.abort();
  }
}
