// node gateway-process.ts FOLDER: a gateway of a simulated week. Camera and network are left out; from the answer on all is the gateway's own, and so is its certificate.
import { createPrivateKey } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CertificateKeeper } from '#agent/certificate/certificate-keeper.ts';
import { LogFile } from '#agent/command/log-file.ts';
import { Outbox } from '#agent/outbox/outbox.ts';
import { Sender } from '#agent/outbox/sender.ts';
import { SessionCounter } from '#agent/uplink/session-counter.ts';
import { Uplink } from '#agent/uplink/uplink.ts';
import { loadConfig } from '#config/load.ts';
import { AgentConfig } from '#config/schema.ts';
import { gatewayTopics } from '#protocol/topics.ts';
import { systemClock as clock } from '#runtime/clock.ts';
import { watchLifeline } from '#runtime/lifeline.ts';
import { connectLink } from '#runtime/link.ts';
import { createLogger } from '#runtime/log.ts';
import { RecentLines } from '#runtime/recent-lines.ts';
import { RetryLadder } from '#runtime/retry.ts';
import { answersOnly } from '../city/answers-only.ts';
import { recordSimulated } from '../city/record-simulated.ts';
import { cameraOf } from '../city/simulated-envelope.ts';
import type { WeekGateway, WeekStatus } from './week-gateway.ts';

const STATUS_MS = 1_000;
/** Some seconds: what others do takes as long as ever. */
const [RECONNECT_MS, RESEND_MS] = [[3_600_000], [3_600_000]];

const [, , folder = ''] = process.argv;
watchLifeline(() => process.exit(1));
const { bundle, everyMs, logBytes } = JSON.parse(
  readFileSync(join(folder, 'week.json'), 'utf8'),
) as WeekGateway;
const config = await loadConfig(join(folder, 'agent.yaml'), AgentConfig);
const { site, gateway: name } = config;
const recent = new RecentLines();
const log = createLogger({
  // So that each answer is a line, and the log has something to rotate.
  ...{ name, level: 'debug', format: 'json', recent },
  destination: { write: (line) => void process.stderr.write(line) },
});
const logFile = await LogFile.open(join(folder, 'log'), recent, logBytes);
const answers = readdirSync(join(folder, '..', 'answers')).map((file) =>
  Uint8Array.from(readFileSync(join(folder, '..', 'answers', file))),
);
const signingKey = createPrivateKey(readFileSync(join(folder, 'signing.key')));
const certificate = await CertificateKeeper.open({ config, signingKey, clock, log });
const sessions = await SessionCounter.open(folder, clock);
const directory = join(folder, 'outbox');
const outbox = await Outbox.open({
  ...{ directory, maxBytes: 64 * 2 ** 20, maxAgeMs: 72 * 3_600_000, clock, log },
});
const camera = cameraOf({ name });
const uplink: Uplink = new Uplink({
  ...{ site, gateway: name, sessions, clock, log },
  connect: (will) => {
    const ladder = new RetryLadder(RECONNECT_MS);
    const credentials = () => certificate.credentials;
    const link = connectLink({
      ...{ url: config.broker.url, clientId: name, clock, log, will, credentials, ladder },
    });
    certificate.connect(link);
    return link;
  },
  ...answersOnly('week', camera, bundle),
  onUp: () => sender.linkUp(),
  onBackend: (session) => sender.backendChanged(session),
  onReceipt: (digests) => void sender.received(digests),
});
const sender: Sender = new Sender({
  ...{ outbox, link: uplink.link, signingKey, sessions, clock, log, resendMs: RESEND_MS },
  topic: gatewayTopics(site, name).inference,
});

let made = 0;
let isMaking = true;
async function make(): Promise<void> {
  const isKept = await recordSimulated(
    { ciphertext: answers[made % answers.length]!, bundle, frameTimeMs: clock.now() },
    { site, gateway: name, signingKey, sender, outbox, sessions },
  );
  if (!isKept) return;
  made++;
  log.debug({ camera, made }, 'an answer is in the outbox');
}

const ends = new Set<number>();
process.stdin.once('data', () => {
  isMaking = false;
});
setInterval(() => {
  ends.add(certificate.endMs);
  const { waiting, dropped } = outbox.status;
  const status: WeekStatus = { made, waiting, dropped, isMaking, certificates: ends.size };
  process.stdout.write(`${JSON.stringify(status)}\n`);
}, STATUS_MS);
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
const all = [
  sender.run(stop.signal),
  certificate.run(stop.signal),
  (async () => {
    while (!stop.signal.aborted) {
      if (isMaking && sender.live) await make();
      await clock.sleep(everyMs, stop.signal).catch(() => {});
    }
  })(),
];
await Promise.all(all);
await uplink.close();
logFile.close();
process.exit(0);
