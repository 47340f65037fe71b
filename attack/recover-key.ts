import { type LeafReading, leafReader } from './shaping/leaf-reading.ts';
import { measureUnit } from './shaping/measure-unit.ts';
import { type Question, Shaper, type WrittenQuestion } from './shaping/shaper.ts';
import type { Target } from './shaping/target.ts';
import type { Fineness } from './shaping/told.ts';
import type { SiteUnderAttack } from './site-under-attack.ts';

export type RecoveredKey = {
  /** Recovered coefficients of the secret key by their index. */
  readonly coefficients: ReadonlyMap<number, number>;
  readonly answers: number;
  /** Answers that were withheld, refused or kept, so that the liar saw nothing; then he stops. */
  readonly unseen: number;
};

export type RecoverKeyOptions = {
  readonly fineness: Fineness;
  /** How many leaves (of eight coefficients) to read; all of them where left out. */
  readonly leaves?: number;
  readonly onProgress?: (share: number) => void;
  readonly signal?: AbortSignal;
};

/** Leaves that are asked about at the same time. */
const BATCH = 32;
/** Answers spent on the unit of logits. */
const UNIT_ANSWERS = 16;

async function aim(
  site: SiteUnderAttack,
  shaper: Shaper,
  fineness: Fineness,
): Promise<{ target: Target; spent: number }> {
  const { labels, regions } = site.gateway;
  let spent = 0;
  const say = async (logits: readonly number[]) => {
    spent++;
    const [told] = await site.publish([shaper.say(logits)]);
    return told ?? new Array<number>(logits.length).fill(0);
  };
  const counts = { labels: labels.length, regions };
  const unit =
    fineness === 'label'
      ? 1
      : await measureUnit(say, {
          ...counts,

          answers: UNIT_ANSWERS,
        });
  const classOf = Array.from(
    { length: regions },
    (_, region) => shaper.classesOf(region * labels.length)[0]!,
  );
  return { target: { ...counts, fineness, unit, mixesClasses: shaper.mixesClasses, classOf }, spent };
}

/**
 * Reads coefficients of the owner's secret key off published answers, with what the gateway holds and nothing else: every answer decrypts to a few
 * coefficients of the key in place of logits, and zero where it must.
 */
export async function recoverKey(
  site: SiteUnderAttack,
  { fineness, leaves, onProgress = () => {}, signal }: RecoverKeyOptions,
): Promise<RecoveredKey> {
  const shaper = await Shaper.open(site.gateway.material, site.gateway.layout);
  try {
    const { target, spent } = await aim(site, shaper, fineness);
    const read = leafReader(target);
    const written = new Map<string, WrittenQuestion>();
    const write = (question: Question): WrittenQuestion => {
      const key = JSON.stringify(question);
      const known = written.get(key) ?? shaper.write(question);
      if (written.size < 64) written.set(key, known);
      return known;
    };
    const coefficients = new Map<number, number>();
    let [answers, unseen] = [spent, 0];
    const count = leaves ?? shaper.leaves;
    for (let from = 0; from < count; from += BATCH) {
      signal?.throwIfAborted();
      const readings = Array.from({ length: Math.min(BATCH, count - from) }, (_, i) => ({
        leaf: from + i,
        reading: read(),
      }));
      for (;;) {
        const open: { leaf: number; reading: LeafReading; question: Question }[] = [];
        for (const one of readings) {
          const question = one.reading.next();
          if (question !== null) open.push({ ...one, question });
        }
        if (open.length === 0) break;
        const told = await site.publish(
          open.map(({ leaf, question }) => shaper.askLeaf(leaf, write(question))),
        );
        open.forEach(({ reading }, i) => {
          const one = told[i] ?? null;
          if (one === null) unseen++;
          else {
            answers++;
            reading.tell(one);
          }
        });
        if (unseen > 0) break;
      }
      for (const { leaf, reading } of readings)
        if (reading.next() === null) {
          for (const [k, value] of reading.coefficients.entries())
            coefficients.set(leaf + k * shaper.leaves, value);
        }
      if (unseen > 0) break;
      onProgress(Math.min(1, (from + BATCH) / count));
    }
    return { coefficients, answers, unseen };
  } finally {
    await shaper.close();
  }
}

/** How many of the recovered coefficients are those of the secret key. */
export function countRight({ coefficients }: RecoveredKey, secretKey: Int8Array): number {
  return [...coefficients].filter(([index, value]) => secretKey[index] === value).length;
}
