import { copiesOf } from '#fhe';
import { answerDigest } from '#protocol/answer-digest.ts';
import {
  answersOf,
  countAnswers,
  type DecodedEnvelope,
  type Envelope,
  isUnknownEnvelope,
  placesOf,
  readEnvelope,
  splitEnvelope,
  verifyEnvelope,
} from '#protocol/envelope.ts';
import type { Refusal } from '#protocol/refusals.ts';
import type { Signed } from '#protocol/signed.ts';
import type { ReleaseOfAnswer } from '../store/deployments.ts';
import { isBeyond, type SenderRecord } from '../store/gateways.ts';
import type { InboxItem } from '../store/inbox.ts';
import type { ModelRecord } from '../store/models.ts';
import type { Store } from '../store/store.ts';
import type { AnswerBounds } from './answer-bounds.ts';
import { BatchRecords, type KeySetOfAnswer } from './batch-records.ts';
import { ENVELOPE_MAX_BYTES } from './envelope-limit.ts';
import type { ReadEnvelopes } from './read-envelopes.ts';
import { frameTime } from './settle.ts';
import type { SignatureChecks } from './signature-checks.ts';

/** One of the answers in an envelope. */
export type CheckedAnswer = {
  /** As if it had come by itself. */
  readonly answer: Envelope;
  /** Why it is not opened, although others in the same envelope may be; null where it is. */
  readonly refusal: Refusal | null;
};

export type CheckedEnvelope = {
  readonly outcome: 'decrypt';
  readonly envelope: Envelope;
  /** In the order of the ciphertext; at least one is not refused. */
  readonly answers: readonly CheckedAnswer[];
  readonly gateway: SenderRecord;
  readonly model: ModelRecord;
  /** The keys that it was computed under. */
  readonly keySet: KeySetOfAnswer;
};
export type RefusedEnvelope = {
  readonly outcome: 'refuse';
  readonly reason: Refusal;
  /** Its answers, if the envelope is the gateway's own and they take their places in the sequence. */
  readonly settles: readonly CheckedAnswer[] | null;
  /** Present if it is the gateway's own but beyond a limit: it is not stored, so that a flood takes no space, but it is not a gap. */
  readonly passes: readonly CheckedAnswer[] | null;
};
export type DuplicateEnvelope = { readonly outcome: 'duplicate' };
/** The envelope is valid, but its gateway is in quarantine. */
export type HeldEnvelope = { readonly outcome: 'hold' };
export type Checked = CheckedEnvelope | HeldEnvelope | RefusedEnvelope | DuplicateEnvelope;

/** What an envelope is checked against. */
export type EnvelopeChecks = {
  readonly store: Store;
  readonly site: string;
  readonly bounds: AnswerBounds;
  /** Whether answers are taken that no audit can open. */
  readonly acceptsReference: boolean;
  readonly signatures: SignatureChecks;
  /** What was found of envelopes that are checked twice. */
  readonly read: ReadEnvelopes;
  /** How long answers of earlier releases are taken after another one became active, ms. */
  readonly formerReleaseMs: number;
};

/** What the steps find, in order; each step may rely on those before it. */
type Draft = EnvelopeChecks & {
  readonly records: BatchRecords;
  readonly item: InboxItem;
  signed?: Signed;
  /** For which the signature holds. */
  schema?: Envelope['schema'];
  decoded?: DecodedEnvelope;
  answers?: { readonly answer: Envelope; refusal: Refusal | null }[];
  gateway?: SenderRecord;
  /** The release that it names; null where there is none. */
  deployment?: ReleaseOfAnswer | null;
  /** Of the release; null where there is none. */
  model?: ModelRecord | null;
  keySet?: KeySetOfAnswer;
};

/** @returns a refusal, `duplicate`, or null to go on. */
type Step = (draft: Draft) => Promise<Refusal | 'duplicate' | null> | Refusal | null;

/** A step about each answer by itself: one that is refused leaves those about other cameras as they are. */
const each =
  (judge: (draft: Draft, answer: Envelope) => Promise<Refusal | null>): Step =>
  async (draft) => {
    const answers = draft.answers!;
    for (const one of answers) one.refusal ??= await judge(draft, one.answer);
    return answers.every(({ refusal }) => refusal !== null) ? answers[0]!.refusal : null;
  };

/** Payload and signature; what the payload says is looked at once the signature holds. */
const split: Step = (draft) => {
  const { item, gateway, read } = draft;
  const known = read.get(item.digest, gateway!.signingKey);
  if (known !== undefined) {
    draft.decoded = known;
    return null;
  }
  try {
    draft.signed = splitEnvelope(item.envelope, ENVELOPE_MAX_BYTES);
    return null;
  } catch {
    return 'malformed';
  }
};

const knownGateway: Step = async (draft) => {
  const gateway = await draft.records.sender(draft.item.gateway);
  if (gateway === null) return 'unknown-gateway';
  draft.gateway = gateway;
  return null;
};

/** Under the key of the gateway that the *topic* names: the broker has checked that one against the certificate. */
const signature: Step = (draft) => {
  const { item, signed, decoded, gateway, signatures } = draft;
  if (decoded !== undefined) return null;
  const { signingKey, formerSigningKey } = gateway!;
  const { schema, isLater } = signatures.read(item, signed!, signingKey);
  if (schema !== null) {
    draft.schema = schema;
    return null;
  }
  if (isLater) return 'version';
  const isOfBoxBefore =
    formerSigningKey !== null && verifyEnvelope(signed!, signatures.key(formerSigningKey));
  return isOfBoxBefore ? 'replaced' : 'signature';
};

const decode: Step = (draft) => {
  const { item, signatures, gateway, read } = draft;
  if (draft.decoded !== undefined) return null;
  try {
    draft.decoded = readEnvelope(draft.signed!, draft.schema!);
    read.keep(item.digest, gateway!.signingKey, draft.decoded, item.envelope.length);
    return null;
  } catch {
    const key = signatures.key(gateway!.signingKey);
    const isUnknown = isUnknownEnvelope(item.envelope, ENVELOPE_MAX_BYTES, key);
    return isUnknown ? 'version' : 'malformed';
  }
};

/**
 * What is asked of each picture or gathered answer below is asked as often as an envelope says that there are some: as often as the network of its own release may answer
 * about, and never as often as a gateway likes.
 */
const fewPictures: Step = ({ item, decoded, deployment, model }) => {
  const { envelope } = decoded!;
  const answers = countAnswers(envelope);
  if (answers === 1) return null;
  if (!model || deployment?.gateway !== item.gateway) return 'model';
  const { interpretation } = model;
  const most = envelope.later === undefined ? (interpretation.regions ?? 1) : copiesOf(interpretation);
  return answers <= most ? null : 'regions';
};

/** Anew each time: what is refused of them depends on what was settled since. */
const takeApart: Step = (draft) => {
  draft.answers = answersOf(draft.decoded!.envelope).map((answer) => ({ answer, refusal: null }));
  return null;
};

const topic: Step = ({ item, decoded }) => {
  const { gateway, camera } = decoded!.envelope;
  return gateway === item.gateway && camera === item.camera ? null : 'topic';
};

const site: Step = (draft) => (draft.decoded!.envelope.site === draft.site ? null : 'site');

const camera: Step = each(async ({ store, records, item }, answer) => {
  const owner =
    (await records.owner(answer.camera)) ??
    (await store.cameras.claim(answer.camera, item.gateway, item.receivedMs));
  return owner === item.gateway ? null : 'camera';
});

/**
 * A bundle that is or was deployed to this very gateway. Answers under an earlier one may still be on their way, so they are taken until a time of grace after
 * the gateway itself reported a later release as active: until then an honest one cannot know of it, and afterwards it makes no further ones, while its
 * outbox keeps those that it has no longer than that time. Judged by when they came, as what a gateway says about its own times is not asked.
 */
const deployedModel: Step = async (draft) => {
  const { records, deployment, model } = draft;
  if (!deployment || !model || deployment.gateway !== draft.item.gateway) return 'model';
  const { model: name, version, protection: number } = deployment;
  const keySet = await records.keySet({ model: name, version, number });
  if (keySet === null) return 'model';
  draft.keySet = keySet;
  const { receivedMs } = draft.item;
  // By the time at which it came: what a gateway says about its own is not asked.
  const ends = [model.retirement, keySet.retirement, deployment].map((one) => one?.refusedFromMs ?? null);
  if (ends.some((endMs) => endMs !== null && receivedMs >= endMs)) return 'retired';
  const { supersededMs } = deployment;
  return supersededMs !== null && receivedMs >= supersededMs + draft.formerReleaseMs ? 'superseded' : null;
};

/**
 * Each place in a gateway's sequence is settled once. A skipped place may still be filled (by a message that was lost
 * in transit and sent again), as long as the store remembers what was settled since. The answers of one envelope are settled together.
 */
const sequence: Step = async ({ store, item, decoded, answers, gateway }) => {
  if (isBeyond(decoded!.envelope, gateway!.last)) return null;
  const digest = answerDigest(decoded!.envelope);
  let isSettled = false;
  for (const { answer } of answers!) {
    const settled = await store.results.digestAt(item.gateway, answer.session, answer.sequence);
    // After the place itself: floors are raised before what is below them goes, so that one of the two says that it was settled.
    if (await store.floors.covers(item.gateway, answer)) return 'stale';
    if (settled !== null && settled !== digest) return 'replayed';
    isSettled ||= settled !== null;
  }
  return isSettled ? 'duplicate' : null;
};

/** A picture is encrypted anew for each answer, so the same ciphertext about the same moment under another number is the one before, shown again. */
const shownAgain: Step = async ({ records, item, decoded, answers }) => {
  const digest = answerDigest(decoded!.envelope);
  for (const { answer } of answers!)
    if (await records.isShown({ camera: answer.camera, frameMs: frameTime(answer, item), digest }))
      return 'replayed';
  return null;
};

const release: Step = async (draft) => {
  const { records, decoded } = draft;
  const found = await records.release(decoded!.envelope.bundle);
  draft.deployment = found;
  draft.model = found === null ? null : await records.model(found.model, found.version);
  return null;
};

/** Before anything takes a place in the store, so that what is stored is bounded, too. Gathered answers about one camera count for each other. */
const withinBounds: Step = async (draft) => {
  const { bounds, item } = draft;
  const taken: { readonly camera: string; readonly frameMs: number }[] = [];
  try {
    return await each(async ({ records, model, gateway }, answer) => {
      const { camera: name, frameTimeMs: frameMs } = answer;
      const regionsAtOnce = model?.interpretation.regions ?? 1;
      const about = {
        gateway: item.gateway,
        camera: name,
        receivedMs: item.receivedMs,
        frameMs,
        regionsAtOnce,
      };
      const refusal = await bounds.refusal(about, gateway!.enrolledMs, () => records.pushed(item.gateway));
      if (refusal !== null) return refusal;
      const own = { camera: name, frameMs: frameTime(answer, item) };
      bounds.take(own.camera, own.frameMs);
      taken.push(own);
      return null;
    })(draft);
  } finally {
    for (const own of taken) bounds.giveBack(own.camera, own.frameMs);
  }
};

const size: Step = ({ decoded, model }) =>
  decoded!.envelope.ciphertext.length === model!.answerBytes ? null : 'size';

const regions: Step = ({ decoded, answers, model }) => {
  const { envelope } = decoded!;
  const most = model!.interpretation.regions ?? 1;
  // Each gathered answer has a place with room for so many.
  const own = envelope.later === undefined ? [envelope] : answers!.map(({ answer }) => answer);
  return own.every((one) => placesOf(one) <= most) ? null : 'regions';
};

/** Of a reference interpreter nobody can compute an answer again: SEAL draws its own randomness. */
const auditable: Step = ({ decoded, acceptsReference }) =>
  decoded!.envelope.interpreter === 'reference' && !acceptsReference ? 'unauditable' : null;

const IDENTITY_STEPS: readonly Step[] = [
  knownGateway,
  split,
  signature,
  decode,
  topic,
  site,
  release,
  fewPictures,
  takeApart,
  camera,
];
const SEQUENCE_STEPS: readonly Step[] = [sequence];
const BOUND_STEPS: readonly Step[] = [withinBounds];
const CONTENT_STEPS: readonly Step[] = [deployedModel, auditable, size, regions, shownAgain];

/**
 * Everything that must hold before an envelope is decrypted (design: no decryption oracle), in order. Public data only:
 * nothing here looks at a secret key.
 *
 * @param records what was read for others that are looked at together with it
 */
export async function checkEnvelope(
  against: EnvelopeChecks,
  item: InboxItem,
  records = new BatchRecords(against.store),
): Promise<Checked> {
  const draft: Draft = { ...against, item, records };
  const stages = [
    { steps: IDENTITY_STEPS, place: 'none' },
    { steps: SEQUENCE_STEPS, place: 'none' },
    // From here on the envelope is the gateway's own, at a free place.
    { steps: BOUND_STEPS, place: 'passed' },
    { steps: CONTENT_STEPS, place: 'taken' },
  ] as const;
  for (const { steps, place } of stages) {
    for (const step of steps) {
      const verdict = await step(draft);
      if (verdict === 'duplicate') return { outcome: 'duplicate' };
      if (verdict !== null) {
        const { answers } = draft;
        return {
          outcome: 'refuse',
          reason: verdict,
          settles: place === 'taken' ? answers! : null,
          passes: place === 'passed' ? answers! : null,
        };
      }
    }
  }
  if (draft.gateway!.isQuarantined) return { outcome: 'hold' };
  return {
    outcome: 'decrypt',
    envelope: draft.decoded!.envelope,
    answers: draft.answers!,
    gateway: draft.gateway!,
    model: draft.model!,
    keySet: draft.keySet!,
  };
}
