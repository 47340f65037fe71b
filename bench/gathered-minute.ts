import type { KeyObject } from 'node:crypto';
import { Gatherer, type GathererOptions } from '#agent/outbox/gatherer.ts';
import { recordAnswers } from '#agent/outbox/recorder.ts';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';

/** What a gateway answered within a minute. */
export type GatheredMinute = {
  readonly togetherSeconds: number;
  readonly answers: number;
  readonly envelopes: number;
  readonly bytesPerAnswer: number;
};

type Answer = Parameters<Gatherer['add']>[0];

const TOGETHER_SECONDS = 5;
const MINUTE_MS = 60_000;
const log = createLogger({ name: 'bench', level: 'error', format: 'json' });

/**
 * Lets the gateway's own gatherer have a minute of answers on a simulated clock, and sign what leaves. What is not full at the end of the minute leaves then, as where a gateway ends.
 *
 * @param answerOf makes an answer, of a time in ms since the epoch
 */
export async function gatheredMinute(
  perSecond: number,
  signingKey: KeyObject,
  answerOf: (timeMs: number) => Answer,
): Promise<GatheredMinute> {
  const clock = new SimulatedClock();
  const wires: number[] = [];
  let sequence = 0;
  const options: GathererOptions = {
    ...{ clock, log, togetherMs: () => 1000 * TOGETHER_SECONDS, isKnown: () => true },
    ...{ lost: async () => {}, noted: { set: async () => {} } },
    record: (together) =>
      recordAnswers(together, {
        ...{ site: 'yard', gateway: 'gate-1', signingKey },
        sessions: {
          take: (count = 1) => {
            sequence += count;
            return { session: 1_796_000_000, sequence: sequence - count };
          },
        },
        outbox: {
          append: async ({ wire }) => {
            wires.push(wire.length);
            return null as never;
          },
        },
        openings: { keep: () => null as never },
        sender: { live: true, pump: () => {} },
      }),
  };
  const gatherer = new Gatherer(options);
  const stop = new AbortController();
  const running = gatherer.run(stop.signal);
  const answers = (perSecond * MINUTE_MS) / 1000;
  for (let i = 0; i < answers; i++) {
    await gatherer.add(answerOf(clock.now()));
    await clock.advance(1000 / perSecond);
  }
  await gatherer.close();
  stop.abort();
  await running;
  const bytes = wires.reduce((sum, length) => sum + length, 0);
  return {
    ...{ togetherSeconds: TOGETHER_SECONDS, answers, envelopes: wires.length },
    bytesPerAnswer: Math.round(bytes / answers),
  };
}
