import { Counter, Histogram, type Registry } from 'prom-client';
import type { AnswerFollower } from '../follow/answer-follower.ts';
import type { SettledAnswer } from '../store/feed.ts';
import type { Store } from '../store/store.ts';

/** Upper bounds in seconds: from the fastest answer on one machine to what waited for a link. */
const BUCKETS = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];
const STEPS = ['prepare', 'encrypt', 'evaluate', 'transport', 'decrypt'] as const;
const RESULTS = ['told', 'untold', 'withheld'] as const;
type Told = Record<(typeof RESULTS)[number], number>;

/**
 * Counts and times answers as they are settled, since the start. It writes nothing: what a transaction rolls back is forgotten, and what was settled
 * before the start is counted when it is taken.
 */
export class AnswerMetrics implements AnswerFollower {
  readonly name = 'the metrics';
  readonly #told = new Map<string, Told>();
  #pending: readonly SettledAnswer[] = [];
  #observe: (step: string, seconds: number) => void = () => {};

  /**
   * @param cameras those that there are: of others nothing stays; null while that cannot be read
   */
  register(registry: Registry, cameras: () => Promise<readonly string[] | null>): void {
    const registers = [registry];
    const told = this.#told;
    const counter: Counter<'camera' | 'result'> = new Counter({
      name: 'blindsight_answers_total',
      help: 'Answers since the start, by camera: told, untold (nothing of them is let out), or withheld because they are not trusted',
      labelNames: ['camera', 'result'],
      registers,
      async collect() {
        const present = await cameras();
        if (present !== null)
          for (const camera of [...told.keys()]) if (!present.includes(camera)) told.delete(camera);
        counter.reset();
        for (const [camera, counts] of told)
          for (const result of RESULTS) counter.inc({ camera, result }, counts[result]);
      },
    });
    const seconds = new Histogram({
      name: 'blindsight_answer_seconds',
      help: 'What each answer that did not wait in an outbox took, by step; total is from the picture until it is stored',
      labelNames: ['step'],
      buckets: BUCKETS,
      registers,
    });
    this.#observe = (step, value) => seconds.observe({ step }, Math.max(0, value));
  }

  async take(_inside: Store, batch: readonly SettledAnswer[]): Promise<void> {
    this.#pending = [...this.#pending, ...batch];
  }

  async tick(): Promise<void> {}

  reset(): void {
    this.#pending = [];
  }

  committed(): void {
    for (const answer of this.#pending) this.#count(answer);
    this.#pending = [];
  }

  #count({ camera, withheld, results, frameMs, storedMs }: SettledAnswer): void {
    const counts = this.#told.get(camera) ?? { told: 0, untold: 0, withheld: 0 };
    const [first] = results;
    counts[withheld !== null ? 'withheld' : first === undefined ? 'untold' : 'told']++;
    this.#told.set(camera, counts);
    if (first === undefined || first.historical) return;
    for (const step of STEPS) this.#observe(step, first.latencyMs[step] / 1000);
    this.#observe('total', (storedMs - frameMs) / 1000);
  }
}
