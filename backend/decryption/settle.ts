import { answerDigest } from '#protocol/answer-digest.ts';
import type { Envelope } from '#protocol/envelope.ts';
import type { Result } from '#protocol/messages.ts';
import type { Refusal } from '#protocol/refusals.ts';
import type { Withheld } from '#protocol/withheld.ts';
import type { Told } from '../leak/leak-meter.ts';
import type { Turn } from '../store/cameras.ts';
import { isBeyond, type SenderRecord } from '../store/gateways.ts';
import type { InboxItem } from '../store/inbox.ts';
import type { LeakKey } from '../store/leaks.ts';
import type { ModelRecord } from '../store/models.ts';
import type { Store } from '../store/store.ts';

/** Counted of one place at most: a liar who skips numbers shall not make the counter larger than a number may be. */
const MOST_GAPS = 1_000_000;

/** How an answer ends. */
export type Verdict =
  /** With no results where nothing of it is to be given out. */
  | { readonly kind: 'answer'; readonly results: readonly Result[] }
  /** Decrypted, but not trusted: usually a picture that the network was not trained for. Only that one answer is lost. */
  | { readonly kind: 'withheld'; readonly reason: Withheld }
  | { readonly kind: 'refused'; readonly reason: Refusal }
  /** Its gateway's own, but beyond a limit: nothing is stored of it, and its place is no gap. */
  | { readonly kind: 'passed'; readonly reason: Refusal };

/** An answer of an envelope, as if it had come by itself, and how it ends. */
export type Ending = { readonly answer: Envelope; readonly verdict: Verdict };

/**
 * Writes the end of an envelope that took its places in the sequence: outcomes, positions, gaps, counters, their places in the feed
 * of those who follow answers. Call it in the transaction that removes the envelope from the inbox: after a crash either all of it is there, or the envelope still waits.
 *
 * @param endings of its answers, in the order of their numbers
 * @param told what an answer that was decrypted tells about its key; null where none was
 * @returns of each answer what of its camera began or ceased to be unusual by it; `void` where the gateway was removed meanwhile or its place was
 *   taken: nothing of the verdict may be given out then.
 */
export async function settle(
  store: Store,
  item: InboxItem,
  endings: readonly Ending[],
  model: ModelRecord | null,
  nowMs: number,
  told: (Told & LeakKey) | null = null,
): Promise<readonly (readonly Turn[] | 'void')[]> {
  return store.transaction(async (inside) => {
    const ends: (readonly Turn[] | 'void')[] = [];
    const digest = answerDigest(endings[0]!.answer);
    for (const ending of endings) {
      // Each time anew: the one before has moved it on.
      const gateway = await inside.gateways.sender(item.gateway);
      if (gateway === null) {
        await inside.counters.add('refused.unknown-gateway');
        ends.push('void');
      } else ends.push(await settleOne(inside, gateway, item, ending, model, digest, nowMs));
    }
    const isDecrypted = endings.some(
      ({ verdict }, i) =>
        ends[i] !== 'void' &&
        (verdict.kind === 'answer' ||
          verdict.kind === 'withheld' ||
          (verdict.kind === 'refused' && verdict.reason === 'ciphertext')),
    );
    if (isDecrypted) await inside.challenges.noteDecrypted(item.gateway, told?.answers ?? 1);
    if (told !== null && isDecrypted) await inside.leaks.add(told, told.share, told);
    return ends;
  });
}

async function settleOne(
  inside: Store,
  gateway: SenderRecord,
  item: InboxItem,
  { answer, verdict }: Ending,
  model: ModelRecord | null,
  digest: string,
  nowMs: number,
): Promise<readonly Turn[] | 'void'> {
  const { session, sequence, camera } = answer;
  if (verdict.kind === 'passed') {
    await inside.counters.add(`refused.${verdict.reason}`);
    await passPlace(inside, gateway, answer);
    return [];
  }
  const added = await inside.results.add({
    gateway: item.gateway,
    session,
    sequence,
    digest,
    camera,
    model: model?.name ?? '',
    version: model?.version ?? 0,
    frameMs: frameTime(answer, item),
    storedMs: nowMs,
    withheld: verdict.kind === 'answer' ? null : verdict.reason,
    results: verdict.kind === 'answer' ? verdict.results : [],
  });
  if (!added) return 'void';
  if (!(await passPlace(inside, gateway, answer))) await inside.counters.add('late');
  if (verdict.kind === 'answer') {
    await inside.counters.add('accepted');
    if (verdict.results.length > 0) await inside.publications.add(item.gateway, session, sequence, nowMs);
  }
  if (verdict.kind === 'withheld') await inside.counters.add('withheld');
  if (verdict.kind === 'refused') {
    await inside.counters.add(`refused.${verdict.reason}`);
    return [];
  }
  await inside.feed.add(item.gateway, session, sequence, nowMs);
  const isSpoiled = verdict.kind === 'withheld' && verdict.reason === 'company';
  const withheld = isSpoiled ? 'company' : verdict.kind === 'withheld';
  return inside.cameras.noteAnswer(camera, answer.regions, withheld, nowMs);
}

/**
 * Moves a gateway on to the place of an envelope, and counts the places in between as gaps. Nothing is kept of the place itself.
 *
 * @returns false where the gateway was further already.
 */
async function passPlace(inside: Store, gateway: SenderRecord, envelope: Envelope): Promise<boolean> {
  const { name, last } = gateway;
  if (!isBeyond(envelope, last)) return false;
  const before = last.session === envelope.session ? last.sequence : envelope.sequence - 1;
  const missed = envelope.sequence - before - 1;
  if (missed > 0) await inside.counters.add('gaps', Math.min(missed, MOST_GAPS));
  await inside.gateways.advance(name, envelope);
  return true;
}

/** Frame time in whole milliseconds; a gateway whose clock is ahead must not own the future. */
export function frameTime(envelope: Envelope, item: InboxItem): number {
  return Math.min(Math.round(envelope.frameTimeMs), item.receivedMs);
}
