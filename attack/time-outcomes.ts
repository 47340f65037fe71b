import { randomBytes, randomInt } from 'node:crypto';
import { Challenger, type ChallengerOptions } from '#backend/auditor/challenger.ts';
import { dueTime, openSelectionKey, Selection } from '#backend/auditor/selection.ts';
import { Decryptor } from '#backend/decryption/decryptor.ts';
import { Intake } from '#backend/decryption/intake.ts';
import { Processor } from '#backend/decryption/processor.ts';
import { ReceiptSender } from '#backend/decryption/receipt-sender.ts';
import { RefusalLog } from '#backend/decryption/refusal-log.ts';
import { openOwnerKey } from '#backend/owner-keys/owner-key.ts';
import type { ProtectedNetwork } from '#backend/protection/protect-task.ts';
import { answerDigest } from '#protocol/answer-digest.ts';
import { CHALLENGE_TYPE, decodeChallenge, encodeOpenings, OPENINGS_MEDIA_TYPE } from '#protocol/challenge.ts';
import { encodeAnswer, signAnswer } from '#protocol/command-answer.ts';
import { type Envelope, encodeEnvelope, envelopeDigest } from '#protocol/envelope.ts';
import { gatewayTopics } from '#protocol/topics.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import type { MessageHandler } from '#runtime/link.ts';
import { createLogger } from '#runtime/log.ts';
import { enrolLiar } from './enrol-liar.ts';
import type { HeldGateway } from './held-gateway.ts';
import { rankTest } from './rank-test.ts';
import { CLASSES, type Complex } from './shaping/leaf.ts';
import { Shaper } from './shaping/shaper.ts';

/** What a liar who times messages to his gateway finds out about answers that he knows apart. */
export type TimingReport = {
  /** Seconds of challenges, each with answers of one kind that was drawn at random. */
  readonly blocks: number;
  readonly comparisons: readonly {
    readonly messages: 'receipts' | 'challenges';
    readonly between: 'two labels' | 'withheld and published';
    /** Of a difference like that or larger by chance. */
    readonly probability: number;
  }[];
};

export type TimeOutcomesOptions = {
  readonly blocks: number;
  readonly onProgress?: (share: number) => void;
  readonly signal?: AbortSignal;
};

type Kind = 'first' | 'second' | 'withheld';
/** Notes that a message about an answer has come, by how late it is on the grid on which such messages leave. */
type Awaited = { readonly receipts: () => void; readonly challenges: () => void };
type Block = { readonly kind: Kind; readonly receipts: number[]; readonly challenges: number[] };

/**
 * Below it, times are said to tell outcomes apart. All {@link TimingReport.comparisons} together give a false alarm in at most 4 of 10 000 runs.
 */
export const FALSE_ALARM = 1e-4;

const KINDS: readonly Kind[] = ['first', 'second', 'withheld'];
/** Challenges leave at whole seconds: with time so much faster, a hundred of them take ten seconds, and a delay by decryption is as long as ever. */
const SPEED = 10;
const BLOCK_MS = 1000 / SPEED;
/** Into a block, answers begin to arrive, so often and so far apart: half of a block before the next challenge. */
const [FIRST_MS, ANSWERS, APART_MS] = [10, 5, 8];
/** As in `ReceiptSender`. */
const RECEIPT_GRID_MS = 50;
/** In slot units: high, and beyond the range. */
const [HIGH, BEYOND] = [0.5, 8];
/** Weight of the key in an answer: makes each another ciphertext, and changes nothing that is told. */
const FAINT = 1e-3;
const NEVER_MS = 1e12;
const POLL_MS = 20;
const log = createLogger({
  name: 'attack',
  level: 'error',
  format: 'json',
  destination: { write: () => {} },
});

/**
 * Sends answers of three kinds in random order to the real intake, selection, decryptor and store, in real time, and times the receipts and challenges
 * that come back against the grids on which they leave. Everything is challenged, and every challenge is answered. One block at a time, so that nothing of
 * another disturbs it.
 */
export async function timeOutcomes(
  network: ProtectedNetwork,
  { blocks: count, onProgress = () => {}, signal }: TimeOutcomesOptions,
): Promise<TimingReport> {
  const { site, gateway } = await enrolLiar(network, systemClock.now());
  const decryptor = new Decryptor(site);
  const shaper = await Shaper.open(gateway.material, gateway.layout);
  const stop = new AbortController();
  const running: Promise<void>[] = [];
  const blocks: Block[] = [];
  const awaited = new Map<string, Awaited>();
  const clock = fastClock();
  try {
    const { store } = site;
    const receipts = new ReceiptSender({
      ...{ site: site.name, clock: systemClock, log },
      link: {
        publish: async (_, payload) => {
          const { received } = JSON.parse(String(payload)) as { received: string[] };
          for (const digest of received) awaited.get(digest)?.receipts();
        },
      },
    });
    const challenger = new Challenger({
      ...{ store, site: site.name, clock, log },
      link: answeringLink(site.name, gateway, (answers) => {
        for (const answer of answers) awaited.get(answer)?.challenges();
      }),
      ownerKey: () => openOwnerKey(store, site.vault),
      pictureBytes: async () => 100,
      isReady: async () => true,
      answerMs: NEVER_MS,
      settle: async () => {},
      onOpened: () => {},
    });
    const key = await openSelectionKey(store, site.vault, 0);
    const selection = new Selection({ store, key, share: 1, lateShare: 1 });
    const processor = new Processor({
      ...{ store, site: site.name, decryptor, clock, log },
      limits: {
        ...{ perCameraPerSecond: 100, ofCameras: new Map() },
        ...{ maxAgeMs: 72 * 3_600_000, formerReleaseMs: NEVER_MS },
      },
      audits: {
        consider: selection.consider.bind(selection),
        heard: challenger.heard.bind(challenger),
      },
      ...{ acceptsReference: false, audit: { share: 1, lateShare: 1, aheadAnswers: 1_000_000 } },
      heldBound: { items: 50_000, bytes: 2 ** 29, siteBytes: 2 ** 31 },
      ...{ onResult: () => {}, onChange: () => {} },
    });
    const refusals = new RefusalLog(store, clock, log);
    const intake = new Intake({ store, receipts, clock, log, refusals, onStored: () => processor.wake() });
    challenger.listen();
    running.push(processor.run(stop.signal), challenger.run(stop.signal));
    const sendNext = sender(site.name, gateway, clock, intake);
    const say = speaker(shaper, gateway);
    // The thread is started, and its tables made, before anything is timed.
    for (const kind of KINDS) sendNext(say(kind));
    await until(async () => (await store.inbox.count()) === 0, signal);
    for (let i = 0; i < count; i++) {
      signal?.throwIfAborted();
      const block: Block = { kind: KINDS[randomInt(KINDS.length)]!, receipts: [], challenges: [] };
      blocks.push(block);
      const answers = Array.from({ length: ANSWERS }, () => say(block.kind));
      await systemClock.sleep(BLOCK_MS - (clock.now() % 1000) / SPEED + FIRST_MS);
      for (const ciphertext of answers) {
        const dueMs = (Math.floor(systemClock.monotonic() / RECEIPT_GRID_MS) + 1) * RECEIPT_GRID_MS;
        const askedMs = dueTime(clock.now());
        const seen: Awaited = {
          receipts: () => block.receipts.push(systemClock.monotonic() - dueMs),
          challenges: () => block.challenges.push((clock.now() - askedMs) / SPEED),
        };
        for (const name of sendNext(ciphertext)) awaited.set(name, seen);
        await systemClock.sleep(APART_MS);
      }
      await until(async () => block.receipts.length + block.challenges.length === 2 * ANSWERS, signal);
      onProgress((i + 1) / count);
    }
    await until(async () => (await store.inbox.count()) === 0, signal);
    const { accepted = 0, withheld = 0 } = await store.counters.all();
    const unknown = 1 + blocks.filter(({ kind }) => kind === 'withheld').length * ANSWERS - withheld;
    if (unknown !== 0 || accepted + withheld !== 3 + count * ANSWERS)
      throw new Error(
        `answers did not decrypt as they were made to: ${accepted} published, ${withheld} withheld`,
      );
  } finally {
    stop.abort();
    await Promise.all(running);
    await Promise.all([decryptor.close(), shaper.close()]);
    await site.close();
  }
  return { blocks: count, comparisons: compare(blocks) };
}

/** An operator's time, ten times as fast. */
function fastClock(): Clock {
  const [beginMs, beginMonotonic] = [systemClock.now(), systemClock.monotonic()];
  const monotonic = () => (systemClock.monotonic() - beginMonotonic) * SPEED;
  return {
    monotonic,
    now: () => Math.floor(beginMs + monotonic()),
    sleep: (ms, signal) => systemClock.sleep(ms / SPEED, signal),
  };
}

/** Makes answers that decrypt as a kind does, no two of them alike. */
function speaker(shaper: Shaper, { labels, regions }: HeldGateway): (kind: Kind) => Uint8Array {
  const write = (kind: Kind) => {
    const offsets = Array.from({ length: labels.length * regions }, (_, l) =>
      kind === 'withheld' ? BEYOND : l % labels.length === (kind === 'first' ? 0 : 1) ? HIGH : 0,
    );
    const weights = offsets.map(() => Array.from({ length: CLASSES }, (): Complex => [FAINT, 0]));
    return shaper.write({ weights, offsets });
  };
  const written = { first: write('first'), second: write('second'), withheld: write('withheld') };
  let leaf = 0;
  return (kind) => shaper.askLeaf(leaf++ % shaper.leaves, written[kind]);
}

/** The way to a gateway that answers each challenge at once, with nothing that opens. @param onAsked told which answers were asked for */
function answeringLink(
  site: string,
  { name, signingKey }: HeldGateway,
  onAsked: (answers: readonly string[]) => void,
): ChallengerOptions['link'] {
  let hear: MessageHandler = () => {};
  return {
    connected: true,
    publish: async (_, wire) => {
      const { id, answers } = decodeChallenge(wire as Uint8Array).challenge;
      onAsked(answers);
      const bytes = encodeOpenings(answers.map(() => randomBytes(100)));
      const content = { mediaType: OPENINGS_MEDIA_TYPE, bytes };
      const answer = encodeAnswer({ status: 'done', code: null, message: 'opened', content });
      const topic = gatewayTopics(site, name).answer(CHALLENGE_TYPE, id);
      for (const part of signAnswer({ site, gateway: name, type: CHALLENGE_TYPE, id }, answer, signingKey))
        setImmediate(() => hear(topic, part, { retain: false, dup: false, qos: 1 }));
    },
    subscribe: (_, handler) => {
      hear = handler;
      return () => {};
    },
  };
}

/** Sends answers about the present. @returns a function that gives the names under which receipts and challenges call the answer */
function sender(
  site: string,
  { name, signingKey, bundle }: HeldGateway,
  clock: Clock,
  intake: Intake,
): (ciphertext: Uint8Array) => readonly string[] {
  const camera = 'door';
  const topic = gatewayTopics(site, name).inference(camera);
  let sequence = 0;
  return (ciphertext) => {
    const envelope: Envelope = {
      ...{ schema: 1, site, gateway: name, camera, session: 1, sequence: sequence++, bundle },
      ...{ frameTimeMs: clock.now() - 60, readyTimeMs: clock.now() - 10 },
      ...{ interpreter: 'engine', historical: false, ciphertext },
      timings: { prepareMs: 4, encryptMs: 5, evaluateMs: 40 },
    };
    const wire = encodeEnvelope(envelope, signingKey);
    intake.receive(topic, wire, { retain: false, dup: false, qos: 1 });
    return [envelopeDigest(wire), answerDigest(envelope)];
  };
}

async function until(isSo: () => Promise<boolean>, signal: AbortSignal | undefined): Promise<void> {
  while (!(await isSo())) await systemClock.sleep(POLL_MS, signal);
}

function compare(blocks: readonly Block[]): TimingReport['comparisons'] {
  return (['receipts', 'challenges'] as const).flatMap((messages) => {
    const mean = (block: Block) => block[messages].reduce((sum, ms) => sum + ms, 0) / block[messages].length;
    const of = (...kinds: readonly Kind[]) => blocks.filter(({ kind }) => kinds.includes(kind)).map(mean);
    const published = of('first', 'second');
    return [
      { messages, between: 'two labels', probability: rankTest(of('first'), of('second')) },
      { messages, between: 'withheld and published', probability: rankTest(of('withheld'), published) },
    ] as const;
  });
}
