import type { BackendConfig } from '#config/schema.ts';
import { type Envelope, gatheredIn, placesOf } from '#protocol/envelope.ts';
import type { ModelRecord } from '../store/models.ts';
import { leastShare } from './audit-share.ts';
import { bitsOfAnswer, bitsOfRegion, keyBits, log2OfChoices } from './leak-bits.ts';

/**
 * What the answers of one ciphertext told, and how surely they are honest. Several that were gathered are audited together: who lies in one of them may as well lie in all, which counts as if
 * each were audited so much more rarely.
 */
export type Told = {
  readonly share: number;
  /** Of all of them. */
  readonly bits: number;
  /** That each of them could have told. */
  readonly most: number;
  readonly answers: number;
};

/** Networks and policies whose bits are remembered. */
const MAX_KNOWN = 256;

/** Measures what each answer tells. */
export class LeakMeter {
  readonly #audit: Pick<BackendConfig['audit'], 'share' | 'lateShare'>;
  readonly #most = new Map<string, number>();

  constructor(audit: Pick<BackendConfig['audit'], 'share' | 'lateShare'>) {
    this.#audit = audit;
  }

  /** The share of this network's ciphertexts with so many answers in each that has to be opened, whatever smaller share the settings say. */
  leastShare(model: Pick<ModelRecord, 'output' | 'interpretation'>, gathered = 1): number {
    // Whether several cameras share a ciphertext, the gateway decides.
    const mayShare = (model.interpretation.regions ?? 1) > 1;
    const bits = gathered * this.#mostOf(model, mayShare);
    return leastShare(bits, keyBits(2 * model.interpretation.expected.length));
  }

  /**
   * @param results how many of it were given out; `withheld` where it was not trusted, which can be seen, too
   * @param withheld other answers in it, about pictures of other cameras or gathered, that were not trusted
   */
  measure(
    model: Pick<ModelRecord, 'output' | 'interpretation'>,
    envelope: Pick<Envelope, 'interpreter' | 'regions' | 'others' | 'later'>,
    results: number | 'withheld',
    withheld = 0,
  ): Told {
    const { interpreter, others, later = [] } = envelope;
    const answers = gatheredIn(envelope);
    const { share, lateShare } = this.#audit;
    const opened = Math.max(this.leastShare(model, answers), Math.min(share, lateShare));
    const { output, interpretation } = model;
    const most = this.#mostOf(model, others !== undefined);
    // Of an event also which of its pictures and regions told something, and which were withheld.
    const told =
      output.output === 'event'
        ? Number(results) * bitsOfRegion(output, interpretation) +
          log2OfChoices(
            later.reduce((sum, one) => sum + placesOf(one), placesOf(envelope)),
            [Number(results), withheld],
          )
        : answers * most;
    return {
      // SEAL draws its own randomness, so nobody can compute these again.
      share:
        interpreter === 'reference' || share === 0
          ? 0
          : // Where all are opened no lie slips through, however many are in one.
            opened === 1
            ? 1
            : opened / answers,
      bits: results === 'withheld' ? answers : told,
      most,
      answers,
    };
  }

  #mostOf(
    { output, interpretation }: Pick<ModelRecord, 'output' | 'interpretation'>,
    isShared = false,
  ): number {
    const { labels, task, map, decoding, regions, range } = interpretation;
    const key = JSON.stringify([output, labels.length, task, map, decoding, regions, range, isShared]);
    const most = this.#most.get(key) ?? bitsOfAnswer(output, interpretation, isShared);
    if (this.#most.size >= MAX_KNOWN) this.#most.clear();
    this.#most.set(key, most);
    return most;
  }
}
