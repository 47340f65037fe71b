import type { Result } from '#protocol/messages.ts';
import type { SettledAnswer } from '../store/feed.ts';

/** What an answer says, by its task. */
export type Said = Pick<Result, 'label' | 'probabilities' | 'counts' | 'zones' | 'region'>;

type Made = Pick<SettledAnswer, 'sequence' | 'frameMs'> & Partial<SettledAnswer>;

/** An answer of the camera `door` at `gate` as it was settled; null: one that tells nothing new. */
export function settledAnswer(said: Said | null, { sequence, frameMs, ...more }: Made): SettledAnswer {
  const { camera = 'door', model = 'counter' } = more;
  const result = {
    ...{ camera, model, modelVersion: 1, historical: false },
    ...{ frameTime: new Date(frameMs).toISOString(), sequence },
    latencyMs: { prepare: 1, encrypt: 1, evaluate: 1, transport: 1, decrypt: 1, total: 5 },
    ...said,
  } as Result;
  return {
    ...{ id: sequence, gateway: 'gate', session: 1, sequence, camera, model, version: 1 },
    ...{ frameMs, storedMs: frameMs, withheld: null, results: said === null ? [] : [result] },
    ...more,
  };
}

/** A classification as absent or present. */
export function classed(label: 'absent' | 'present', probability = 0.9): Said {
  const other = Math.round((1 - probability) * 100) / 100;
  const of = (one: string) => (one === label ? probability : other);
  return { label, probabilities: { absent: of('absent'), present: of('present') } };
}

/** Counts of people, in all and in the zone `gate`. */
export function counted(all: number, gate?: number): Said {
  const zones = gate === undefined ? {} : { zones: [{ name: 'gate', counts: { person: gate } }] };
  return { counts: { person: all }, ...zones };
}
