import { answerDigest } from '#protocol/answer-digest.ts';
import type { InboxItem } from '../store/inbox.ts';
import type { AnswerBounds } from './answer-bounds.ts';
import type { Checked } from './check-envelope.ts';
import { frameTime } from './settle.ts';

/**
 * What the envelopes of a batch take before any of it is in the store: places in sequences, pictures, the rates of cameras, and decryptions of gateways. What is checked against
 * the store alone would not see the envelopes before it in its batch.
 */
export class BatchPlaces {
  readonly #bounds: AnswerBounds;
  readonly #taken = new Set<string>();
  readonly #decryptions = new Map<string, number>();
  readonly #rates: { readonly camera: string; readonly frameMs: number }[] = [];
  #before: BatchPlaces | null;

  /** @param before those of a batch that may not be settled yet */
  constructor(bounds: AnswerBounds, before: BatchPlaces | null = null) {
    this.#bounds = bounds;
    this.#before = before;
  }

  /** @returns false, and takes nothing, where another envelope of the batch, or of the one before, is at one of its places, or shows the same about the same moment: only what is settled says which counts. */
  take(item: InboxItem, checked: Checked): boolean {
    const answers =
      checked.outcome === 'decrypt'
        ? checked.answers
        : checked.outcome === 'refuse'
          ? (checked.settles ?? checked.passes ?? [])
          : [];
    if (answers.length === 0) return true;
    const digest = answerDigest(answers[0]!.answer);
    const places = answers.flatMap(({ answer }) => [
      `${item.gateway} ${answer.session} ${answer.sequence}`,
      `${answer.camera} ${frameTime(answer, item)} ${digest}`,
    ]);
    if (places.some((place) => this.#has(place))) return false;
    for (const place of places) this.#taken.add(place);
    // What is passed over uses up no rate, whosever camera it names.
    if (checked.outcome === 'refuse' && checked.passes !== null) return true;
    for (const { answer, refusal } of answers) {
      if (refusal !== null) continue;
      const rate = { camera: answer.camera, frameMs: frameTime(answer, item) };
      this.#bounds.take(rate.camera, rate.frameMs);
      this.#rates.push(rate);
    }
    return true;
  }

  #has(place: string): boolean {
    for (let one: BatchPlaces | null = this; one !== null; one = one.#before)
      if (one.#taken.has(place)) return true;
    return false;
  }

  /** Decryptions of a gateway so far that are not settled. */
  decryptions(gateway: string): number {
    return (this.#decryptions.get(gateway) ?? 0) + (this.#before?.decryptions(gateway) ?? 0);
  }

  /** So many more answers of this gateway will be decrypted. */
  addDecryption(gateway: string, count: number): void {
    this.#decryptions.set(gateway, (this.#decryptions.get(gateway) ?? 0) + count);
  }

  /** The batch is over: the store says what came of it. The next one goes on to know its places: it may have asked the store before that said so. */
  giveBack(): void {
    this.#decryptions.clear();
    this.#before = null;
    for (const { camera, frameMs } of this.#rates.splice(0)) this.#bounds.giveBack(camera, frameMs);
  }
}
