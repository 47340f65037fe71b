import { createHmac, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { answerDigest } from '#protocol/answer-digest.ts';
import { encodeCanonical } from '#protocol/cbor.ts';
import type { AnsweredPicture, Envelope } from '#protocol/envelope.ts';
import { SECRETS } from '../sealing/identities.ts';
import type { Vault } from '../sealing/vault.ts';
import type { Store } from '../store/store.ts';

export type SelectionOptions = {
  /** Where what is chosen is noted. */
  readonly store: { readonly challenges: Pick<Store['challenges'], 'choose'> };
  /** 32 bytes; see {@link openSelectionKey}. */
  readonly key: KeyObject;
  /** Of present answers, 0 to 1. */
  readonly share: number;
  /** Of answers whose picture is older than {@link LATE_MS}, 0 to 1. */
  readonly lateShare: number;
};

/** From then on an answer is late: its picture could have been waited for. */
const LATE_MS = 120_000;
const SOON_MS = 500;
const GRID_MS = 1000;
const DRAW_BYTES = 6;

/**
 * Chooses the answers that their gateway has to open: by a keyed pseudorandom function (HMAC-SHA256) of what arrived, and of nothing else.
 * Whoever has not the key cannot tell which; nothing about a decrypted value can change it, nor when the gateway is asked.
 */
export class Selection {
  readonly #options: SelectionOptions;

  constructor(options: SelectionOptions) {
    this.#options = options;
  }

  /**
   * Decides about an envelope that was checked and belongs to its gateway; what is chosen is durable when this resolves. The same envelope again
   * is decided the same way, and noted once.
   *
   * @param leastShare of answers of this network, 0 to 1; counts only where there are audits
   * @returns whether its gateway has to open it
   */
  async consider(envelope: Envelope, receivedMs: number, leastShare = 0): Promise<boolean> {
    const { store, key, share, lateShare } = this.#options;
    const { gateway, camera, regions, others, later, session, sequence, frameTimeMs, bundle } = envelope;
    const digest = answerDigest(envelope);
    const oldestMs = Math.min(frameTimeMs, ...(others ?? later ?? []).map((one) => one.frameTimeMs));
    const isLate = envelope.historical || receivedMs - oldestMs > LATE_MS;
    // Without a share there are no audits, of what waited neither.
    const told = share > 0 && isLate ? lateShare : share;
    const chosen = told === 0 ? 0 : Math.max(told, leastShare);
    if (chosen === 0 || draw(key, { gateway, session, sequence, digest }) >= chosen) return false;
    await store.challenges.choose({
      ...{ gateway, camera, session, sequence },
      ...{ ...(regions !== undefined && { regions }), ...(others !== undefined && { others }) },
      ...(later !== undefined && { later: later.map(pictureOf) }),
      ...{ digest, frameTimeMs, bundle, receivedMs, dueMs: dueTime(receivedMs) },
    });
    return true;
  }
}

/** What of an answer enters its encryption. */
function pictureOf({ camera, regions, frameTimeMs }: AnsweredPicture): AnsweredPicture {
  return { camera, ...(regions !== undefined && { regions }), frameTimeMs };
}

/**
 * When a gateway is asked about an answer: half a second after it arrived, at the next whole second, so that messages to gateways leave at times that
 * follow from times of arrival alone.
 */
export function dueTime(receivedMs: number): number {
  return (Math.floor((receivedMs + SOON_MS) / GRID_MS) + 1) * GRID_MS;
}

/** @returns the number of the pseudorandom function, at least 0 and below 1. */
function draw(
  key: KeyObject,
  {
    gateway,
    session,
    sequence,
    digest,
  }: Pick<Envelope, 'gateway' | 'session' | 'sequence'> & { digest: string },
): number {
  const message = encodeCanonical(['blindsight selection 1', gateway, session, sequence, digest]);
  const drawn = createHmac('sha256', key).update(message).digest();
  return drawn.readUIntBE(0, DRAW_BYTES) / 2 ** (8 * DRAW_BYTES);
}

/** The key of the selection: made at first use, sealed in the store. */
export async function openSelectionKey(store: Store, vault: Vault, nowMs: number): Promise<KeyObject> {
  const isThere = async () => (await store.secrets.get(SECRETS.auditSelectionKey)) !== null;
  if (!(await isThere())) {
    const made = vault.keep(store, SECRETS.auditSelectionKey, randomBytes(32), nowMs);
    // Another process of a new site may have been first: its key is the one.
    await made.catch(async (error: unknown) => {
      if (!(await isThere())) throw error;
    });
  }
  const bytes = await vault.fetch(store, SECRETS.auditSelectionKey);
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return key;
}
