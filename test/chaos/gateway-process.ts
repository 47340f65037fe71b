// node gateway-process.ts FOLDER START: a gateway of a chaos run. Camera and network are left out; all from the answer on is the gateway's own: numbers, signature, outbox, sender,
// uplink, link. What it made of each answer stands in its ledger before anything else happens to it.
import { createPrivateKey } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Outbox } from '#agent/outbox/outbox.ts';
import { Sender } from '#agent/outbox/sender.ts';
import { SessionCounter } from '#agent/uplink/session-counter.ts';
import { Uplink } from '#agent/uplink/uplink.ts';
import { answersOnly } from '#bench/city/answers-only.ts';
import { recordSimulated } from '#bench/city/record-simulated.ts';
import { cameraOf } from '#bench/city/simulated-envelope.ts';
import { answerDigest } from '#protocol/answer-digest.ts';
import { envelopeDigest } from '#protocol/envelope.ts';
import { gatewayTopics } from '#protocol/topics.ts';
import { systemClock as clock } from '#runtime/clock.ts';
import { watchLifeline } from '#runtime/lifeline.ts';
import { connectLink, type LinkCredentials } from '#runtime/link.ts';
import { createLogger } from '#runtime/log.ts';
import { RetryLadder } from '#runtime/retry.ts';
import type { GatewayOrder, GatewaySettings } from './gateway-settings.ts';
import { LedgerWriter } from './ledger.ts';
import { uniqueAnswer } from './unique-answer.ts';
import { UnreliablePublisher } from './unreliable-publisher.ts';

const STATUS_MS = 200;
/** Numbers of the answers of one start. */
const PER_START = 1e7;
/** Shorter than those of real gateways: more of them fit into a run. */
const RESEND_MS = [4_000, 8_000, 16_000];
const RECONNECT_MS = [500, 1_000, 2_000, 4_000];

const [, , folder = '', start = '1'] = process.argv;
watchLifeline(() => process.exit(1));
const settings = JSON.parse(readFileSync(join(folder, 'chaos.json'), 'utf8')) as GatewaySettings;
const { site, name, bundle, url, rate, outboxBytes } = settings;
const data = join(folder, 'data');
mkdirSync(data, { recursive: true });
const log = createLogger({
  name,
  level: 'info',
  format: 'json',
  destination: { write: (line) => void process.stderr.write(line) },
});
const ledger = new LedgerWriter(join(folder, 'ledger'));
const answers = readdirSync(join(folder, '..', 'answers')).map((file) =>
  Uint8Array.from(readFileSync(join(folder, '..', 'answers', file))),
);
const signingKey = createPrivateKey(readFileSync(join(folder, 'signing.key')));
const credentials = (which: string): LinkCredentials => ({
  ca: readFileSync(join(folder, 'ca.pem')),
  certificate: readFileSync(join(folder, `${which}.pem`)),
  key: readFileSync(join(folder, `${which}.key`)),
});
/** Whatever the wall clock was made to say. */
const rightMs = () => Math.round(performance.timeOrigin + performance.now());
let current = 'gateway';
let isMaking = true;
let isToLose = false;
let made = 0;

const sessions = await SessionCounter.open(data, clock);
const directory = join(data, 'outbox');
const outbox = await Outbox.open({ directory, maxBytes: outboxBytes, maxAgeMs: 72 * 3_600_000, clock, log });
outbox.onDrop((count, cause) => ledger.write('drop', count, cause));
ledger.write('start', sessions.session, outbox.status.dropped, outbox.status.waiting);
const camera = cameraOf({ name });
const uplink: Uplink = new Uplink({
  ...{ site, gateway: name, sessions, clock, log },
  connect: (will) =>
    connectLink({
      ...{ url, clientId: name, clock, log, will, credentials: () => credentials(current) },
      ladder: new RetryLadder(RECONNECT_MS),
    }),
  ...answersOnly('chaos', camera, bundle),
  onUp: () => sender.linkUp(),
  onBackend: (session) => sender.backendChanged(session),
  onReceipt: (digests) => {
    if (publisher.loses()) return;
    for (const digest of digests) ledger.write('receipt', digest, rightMs());
    void sender.received(digests);
  },
});
const publisher: UnreliablePublisher = new UnreliablePublisher(uplink.link);
const sender: Sender = new Sender({
  ...{ outbox, link: publisher, signingKey, sessions, clock, log, resendMs: RESEND_MS },
  topic: gatewayTopics(site, name).inference,
});

async function make(): Promise<void> {
  const number = Number(start) * PER_START + made++;
  const ciphertext = uniqueAnswer(answers[made % answers.length]!, number);
  const frameTimeMs = clock.now();
  ledger.write('made', number, answerDigest({ ciphertext }), frameTimeMs, rightMs());
  const isKept = await recordSimulated(
    { ciphertext, bundle, frameTimeMs },
    {
      ...{ site, gateway: name, signingKey, sender },
      outbox: {
        append: (entry) => {
          ledger.write('signed', number, envelopeDigest(entry.wire));
          return outbox.append(entry);
        },
      },
      sessions: {
        take: (count) => {
          const ticket = sessions.take(count);
          ledger.write('numbered', number, ticket.session, ticket.sequence);
          return ticket;
        },
      },
    },
  );
  ledger.write(isKept ? 'kept' : 'refused', number);
}

/** What a checker must find: an answer that is told twice under different numbers. */
async function forge(): Promise<void> {
  const ciphertext = uniqueAnswer(answers[0]!, Number(start) * PER_START + made);
  await publisher.forge({ site, name, bundle, signingKey }, sessions, ciphertext, clock.now());
}

/** And one that is gone without a word. No other is made meanwhile, or the newest might be one that nobody promised yet. */
async function lose(): Promise<void> {
  publisher.mute(true);
  await make();
  const newest = readdirSync(directory)
    .filter((file) => file.endsWith('.envelope'))
    .sort()
    .at(-1)!;
  unlinkSync(join(directory, newest));
  process.kill(process.pid, 'SIGKILL');
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const order = JSON.parse(line) as GatewayOrder;
  if (order.making !== undefined) isMaking = order.making;
  if (order.delivery !== undefined) publisher.deliver(order.delivery);
  if (order.certificate !== undefined) {
    current = order.certificate;
    uplink.link.reconnect();
  }
  if (order.sabotage === 'lose') isToLose = true;
  if (order.sabotage === 'double') void forge();
});
setInterval(() => {
  const { waiting, dropped } = outbox.status;
  const { obstacle } = uplink;
  process.stdout.write(
    `${JSON.stringify({ isMaking, made, waiting, dropped, isLive: sender.live, obstacle })}\n`,
  );
}, STATUS_MS);
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
const sending = sender.run(stop.signal);
while (!stop.signal.aborted) {
  if (isToLose) await lose();
  if (isMaking) await make();
  await clock.sleep(1000 / rate, stop.signal).catch(() => {});
}
await sending;
await uplink.close();
process.exit(0);
