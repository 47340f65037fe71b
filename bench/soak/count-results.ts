import type { ServerEvent } from '#demo/event-stream.ts';

/** How many results there were until now. */
export type ResultCount = {
  readonly count: number;
  /** Resolves with the first one. @throws what the stream of events throws before */
  readonly first: Promise<void>;
  /** @throws what the stream of events threw */
  check(): void;
};

/** Counts results as the page hears of them. */
export function countResults(events: AsyncIterable<Pick<ServerEvent, 'type'>>): ResultCount {
  const first = Promise.withResolvers<void>();
  let failure: { readonly error: unknown } | null = null;
  const counting = {
    count: 0,
    first: first.promise,
    check: () => {
      if (failure !== null) throw failure.error;
    },
  };
  const follow = async () => {
    for await (const { type } of events) {
      if (type !== 'result') continue;
      counting.count++;
      first.resolve();
    }
  };
  follow().catch((error: unknown) => {
    failure = { error };
    first.reject(error);
  });
  return counting;
}
