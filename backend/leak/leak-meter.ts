import type { BackendConfig } from '#config/schema.ts';
import { type Envelope, placesOf } from '#protocol/envelope.ts';
import type { ModelRecord } from '../store/models.ts';
import { leastShare } from './audit-share.ts';
import { bitsOfAnswer, bitsOfRegion, keyBits, log2OfChoices } from './leak-bits.ts';

/** What one answer told, and how surely it is honest. */
export type Told = { readonly share: number; readonly bits: number; readonly most: number };

/** Networks and policies whose bits are remembered. */
const MAX_KNOWN = 256;

/** Measures what each answer tells. */
export class LeakMeter {
  readonly #audit: Pick<BackendConfig['audit'], 'share' | 'lateShare'>;
  readonly #most = new Map<string, number>();

  constructor(audit: Pick<BackendConfig['audit'], 'share' | 'lateShare'>) {
    this.#audit = audit;
  }

  /** The share of this network's answers that has to be opened, whatever smaller share the settings say. */
  leastShare(model: Pick<ModelRecord, 'output' | 'interpretation'>): number {
    // Whether several cameras share a ciphertext, the gateway decides.
    const mayShare = (model.interpretation.regions ?? 1) > 1;
    return leastShare(this.#mostOf(model, mayShare), keyBits(2 * model.interpretation.expected.length));
  }

  /**
   * @param results how many of it were given out; `withheld` where it was not trusted, which can be seen, too
   * @param withheld pictures of other cameras in it whose answers were not trusted
   */
  measure(
    model: Pick<ModelRecord, 'output' | 'interpretation'>,
    envelope: Pick<Envelope, 'interpreter' | 'regions' | 'others'>,
    results: number | 'withheld',
    withheld = 0,
  ): Told {
    const { interpreter, others } = envelope;
    const { share, lateShare } = this.#audit;
    const { output, interpretation } = model;
    const most = this.#mostOf(model, others !== undefined);
    // Of an event also which of its pictures and regions told something, and which were withheld.
    const told =
      output.output === 'event'
        ? Number(results) * bitsOfRegion(output, interpretation) +
          log2OfChoices(placesOf(envelope), [Number(results), withheld])
        : most;
    return {
      // SEAL draws its own randomness, so nobody can compute these again.
      share:
        interpreter === 'reference' || share === 0
          ? 0
          : Math.max(this.leastShare(model), Math.min(share, lateShare)),
      bits: results === 'withheld' ? 1 : told,
      most,
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
