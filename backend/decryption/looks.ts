import { gatheredIn } from '#protocol/envelope.ts';
import type { InboxItem } from '../store/inbox.ts';
import type { Store } from '../store/store.ts';
import type { AnswerBounds } from './answer-bounds.ts';
import { BatchPlaces } from './batch-places.ts';
import type { Checked } from './check-envelope.ts';

export type EnvelopeCheck = (item: InboxItem) => Promise<Checked>;

/** An envelope of a batch, and what was found of it. */
export type Work = { readonly item: InboxItem; readonly checked: Checked };

/** Envelopes that are settled together, as far as they were looked at. */
export type Batch = {
  readonly works: readonly Work[];
  /** Those in whose way another one is: to be looked at when that one is settled. */
  readonly later: readonly InboxItem[];
  readonly errors: unknown[];
  readonly places: BatchPlaces;
};

export type LooksOptions = {
  readonly store: Pick<Store, 'challenges'>;
  readonly bounds: AnswerBounds;
  /** Answers of a gateway that are decrypted at most while one that was chosen waits to be opened. */
  readonly aheadAnswers: number;
  /** Decides of each envelope, before anything is decrypted, whether it has to be opened. */
  readonly see: (item: InboxItem, checked: Checked) => Promise<void>;
};

/** What became of envelopes of one gateway that were looked at. */
type Look = { readonly works: Work[]; readonly later: InboxItem[]; readonly errors: unknown[] };

/** Looks at envelopes before any of them is decrypted: what each is, and whether it may be. */
export class Looks {
  readonly #options: LooksOptions;

  constructor(options: LooksOptions) {
    this.#options = options;
  }

  /**
   * Checks envelopes, and has those chosen that have to be opened.
   *
   * @param before places of a batch that may not be settled yet
   */
  async look(items: readonly InboxItem[], check: EnvelopeCheck, before: BatchPlaces | null): Promise<Batch> {
    const { bounds } = this.#options;
    const places = new BatchPlaces(bounds, before);
    // Gateways beside each other, so that what is asked of the store is asked together; each one's own in their order.
    const looks = await Promise.all(
      [...Map.groupBy(items, ({ gateway }) => gateway).values()].map((own) =>
        this.#lookAt(own, check, places),
      ),
    );
    const works = looks.flatMap((look) => look.works);
    const errors = looks.flatMap((look) => look.errors);
    try {
      await this.#holdBack(works, places);
    } catch (error) {
      // Nothing of it is known to be allowed.
      return { works: [], later: [], errors: [...errors, error], places };
    }
    return { works, later: looks.flatMap((look) => look.later), errors, places };
  }

  /** Looks at envelopes of one gateway, in their order. */
  async #lookAt(items: readonly InboxItem[], check: EnvelopeCheck, places: BatchPlaces): Promise<Look> {
    const look: Look = { works: [], later: [], errors: [] };
    for (const item of items)
      try {
        // Those behind one that has to wait, too: they keep their order.
        const checked = look.later.length > 0 ? null : await check(item);
        if (checked === null || !places.take(item, checked)) {
          look.later.push(item);
          continue;
        }
        // Before anything is decrypted, and whatever comes of it.
        await this.#options.see(item, checked);
        look.works.push({ item, checked });
      } catch (error) {
        look.errors.push(error);
      }
    return look;
  }

  /**
   * Keeps answers from being decrypted of which so many of their gateway were since the oldest one was chosen that still has to be opened: the next ones wait for that verdict.
   * Whoever lies gets no further by being slow to answer for it.
   */
  async #holdBack(works: Work[], places: BatchPlaces): Promise<void> {
    const { store, aheadAnswers } = this.#options;
    const asked = works.filter(({ checked }) => checked.outcome === 'decrypt');
    const names = [...new Set(asked.map(({ item }) => item.gateway))];
    // Before the store is asked: what is settled meanwhile counts twice then, and never not at all.
    const decrypting = new Map(names.map((name) => [name, places.decryptions(name)]));
    const waiting = await store.challenges.waitingOf(names);
    for (const [i, { item, checked }] of works.entries()) {
      if (checked.outcome !== 'decrypt') continue;
      const { gateway } = item;
      const ahead = waiting.get(gateway)?.ahead;
      const before = decrypting.get(gateway)!;
      if (ahead !== undefined && ahead + before >= aheadAnswers)
        works[i] = { item, checked: { outcome: 'hold' } };
      else {
        const count = gatheredIn(checked.envelope);
        decrypting.set(gateway, before + count);
        places.addDecryption(gateway, count);
      }
    }
  }
}
