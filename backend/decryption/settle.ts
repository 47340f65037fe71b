import { answerDigest } from '#protocol/answer-digest.ts';
import type { Envelope } from '#protocol/envelope.ts';
import type { Result } from '#protocol/messages.ts';
import type { Refusal } from '#protocol/refusals.ts';
import type { Withheld } from '#protocol/withheld.ts';
import type { Told } from '../leak/leak-meter.ts';
import type { Turn } from '../store/cameras.ts';
import { type GatewayRecord, isBeyond } from '../store/gateways.ts';
import type { InboxItem } from '../store/inbox.ts';
import type { LeakKey } from '../store/leaks.ts';
import type { ModelRecord } from '../store/models.ts';
import type { Store } from '../store/store.ts';

/** How an envelope ends. */
export type Verdict =
  /** With no results where nothing of it is to be given out. */
  | { readonly kind: 'answer'; readonly results: readonly Result[] }
  /** Decrypted, but not trusted: usually a picture that the network was not trained for. Only that one answer is lost. */
  | { readonly kind: 'withheld'; readonly reason: Withheld }
  | { readonly kind: 'refused'; readonly reason: Refusal };

/**
 * Writes the end of an envelope that took its place in the sequence: outcome, position, gaps, counters, its place in the feed
 * of those who follow answers, and its removal from the inbox, all durable together. After a crash either all of it is there, or the envelope still waits.
 *
 * @param told what an answer that was decrypted tells about its key; null where none was
 * @returns what of the camera began or ceased to be unusual by it; `void` where the gateway was removed meanwhile or its place was
 *   taken: nothing of the verdict may be given out then.
 */
export async function settle(
  store: Store,
  item: InboxItem,
  envelope: Envelope,
  model: ModelRecord | null,
  verdict: Verdict,
  nowMs: number,
  told: (Told & LeakKey) | null = null,
): Promise<readonly Turn[] | 'void'> {
  return store.transaction(async (inside) => {
    await inside.inbox.remove(item.id);
    const gateway = await inside.gateways.get(item.gateway);
    if (gateway === null) {
      await inside.counters.add('refused.unknown-gateway');
      return 'void';
    }
    const added = await inside.results.add({
      gateway: item.gateway,
      session: envelope.session,
      sequence: envelope.sequence,
      digest: answerDigest(envelope),
      camera: item.camera,
      model: model?.name ?? '',
      version: model?.version ?? 0,
      frameMs: frameTime(envelope, item),
      storedMs: nowMs,
      withheld: verdict.kind === 'answer' ? null : verdict.reason,
      results: verdict.kind === 'answer' ? verdict.results : [],
    });
    if (!added) return 'void';
    if (!(await passPlace(inside, gateway, envelope))) await inside.counters.add('late');
    if (verdict.kind !== 'refused' || verdict.reason === 'ciphertext')
      await inside.challenges.noteDecrypted(item.gateway);
    if (told !== null) await inside.leaks.add(told, told.share, told);
    if (verdict.kind === 'answer') {
      await inside.counters.add('accepted');
      if (verdict.results.length > 0)
        await inside.publications.add(item.gateway, envelope.session, envelope.sequence);
    }
    if (verdict.kind === 'withheld') await inside.counters.add('withheld');
    if (verdict.kind === 'refused') {
      await inside.counters.add(`refused.${verdict.reason}`);
      return [];
    }
    await inside.feed.add(item.gateway, envelope.session, envelope.sequence);
    return inside.cameras.noteAnswer(item.camera, envelope.regions, verdict.kind === 'withheld', nowMs);
  });
}

/**
 * Moves a gateway on to the place of an envelope, and counts the places in between as gaps. Nothing is kept of the place itself.
 *
 * @returns false where the gateway was further already.
 */
export async function passPlace(inside: Store, gateway: GatewayRecord, envelope: Envelope): Promise<boolean> {
  const { name, last } = gateway;
  if (!isBeyond(envelope, last)) return false;
  const before = last.session === envelope.session ? last.sequence : envelope.sequence - 1;
  const missed = envelope.sequence - before - 1;
  if (missed > 0) await inside.counters.add('gaps', missed);
  await inside.gateways.advance(name, envelope);
  return true;
}

/** Frame time in whole milliseconds; a gateway whose clock is ahead must not own the future. */
export function frameTime(envelope: Envelope, item: InboxItem): number {
  return Math.min(Math.round(envelope.frameTimeMs), item.receivedMs);
}
