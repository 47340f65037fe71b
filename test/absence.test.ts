import { createPrivateKey } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { InterpreterHost } from '#agent/inference/interpreter-host.ts';
import { Outbox } from '#agent/outbox/outbox.ts';
import { Sender } from '#agent/outbox/sender.ts';
import { SessionCounter } from '#agent/uplink/session-counter.ts';
import { openAuthority } from '#backend/enrolment/open-authority.ts';
import { deployModel } from '#backend/operations/deploy-model.ts';
import { enrolGateway } from '#backend/operations/enrol-gateway.ts';
import { loadConfig } from '#config/load.ts';
import { AgentConfig, BackendConfig } from '#config/schema.ts';
import { encodeEnvelope } from '#protocol/envelope.ts';
import { decodeManifest } from '#protocol/manifest.ts';
import { BackendState, Receipt, Result } from '#protocol/messages.ts';
import { parseMessage } from '#protocol/parse-message.ts';
import { gatewayTopics, siteTopics } from '#protocol/topics.ts';
import { systemClock } from '#runtime/clock.ts';
import { connectLink, type Link } from '#runtime/link.ts';
import { readLinkCredentials } from '#runtime/link-credentials.ts';
import { type RunningSite, startRunningSite } from './testing/running-site.ts';
import { BRIGHTNESS } from './testing/two-logits.ts';

const WAIT = { timeout: 120_000, interval: 20 };
const WAITING = 120;
/** Another picture is taken when so many of these were told. */
const EVERY = 12;
const PRESENT = 4;
/** Between two pictures; the backend takes no more. */
const FRAME_MS = 300;

let yard: RunningSite;
let outbox: Outbox;
let sender: Sender;
const links: Link[] = [];
/** What a cockpit was told, in order. */
const told: Result[] = [];
/** Has the gateway answer about a picture: to camera `past` while there is no broker, else to `present`. */
let answer: (takenMs: number) => Promise<void>;
/** The gateway finds the broker, which is away until then. */
let connect: () => void;

beforeAll(async () => {
  // Nobody opens what is chosen for audits here.
  yard = await startRunningSite({ audit: BackendConfig.shape.audit.parse({ share: 0 }) });
  const { site, brokerUrl: url, log } = yard;
  await yard.protect(BRIGHTNESS);
  const folder = join(yard.data, '../gate');
  const { configFile } = await enrolGateway({ site, name: 'gate', outDirectory: folder, brokerUrl: url });
  const release = await deployModel({ site, model: BRIGHTNESS.name, gateway: 'gate' });
  const { manifest } = decodeManifest(release.manifest);
  const directory = join(folder, 'bundle');
  await mkdir(directory);
  for (const part of manifest.parts)
    await writeFile(join(directory, part.name), await site.blobs.get(part.sha256));
  const bundle = { digest: release.digest, directory, manifest };
  const host = await InterpreterHost.open({ bundle, kind: 'engine', threads: 1, selfTest: false });
  const { ciphertext } = await host.run(new Uint8Array(16).fill(200));
  await host.close();

  const clock = systemClock;
  const { broker } = await loadConfig(configFile, AgentConfig);
  const authority = await openAuthority(site.store, site.vault);
  const issued = await authority.issue({ kind: 'cockpit', commonName: 'cockpit', days: 1 });
  const cockpit = connectLink({
    ...{ url, clock, log, ca: authority.certificate, ...issued, clientId: 'cockpit' },
  });
  links.push(cockpit);
  cockpit.subscribe(siteTopics('yard').results, (_, payload) => told.push(parseMessage(Result, payload)));
  await vi.waitFor(() => expect(cockpit.connected).toBe(true), WAIT);

  outbox = await Outbox.open({ directory: join(folder, 'outbox'), maxBytes: 1e9, maxAgeMs: 1e9, clock, log });
  const sessions = await SessionCounter.open(folder, clock);
  const signingKey = createPrivateKey(await readFile(join(folder, 'signing.key')));
  const topics = gatewayTopics('yard', 'gate');
  let link: Link | null = null;
  sender = new Sender({
    outbox,
    link: {
      get connected() {
        return link?.connected ?? false;
      },
      publish: (...message) => link!.publish(...message),
    },
    ...{ topic: topics.inference, signingKey, sessions, clock, log },
  });
  answer = async (frameTimeMs) => {
    const { session, sequence } = sessions.take();
    const historical = !sender.live;
    const camera = historical ? 'past' : 'present';
    const wire = encodeEnvelope(
      {
        ...{ schema: 1, site: 'yard', gateway: 'gate', camera, session, sequence, historical, ciphertext },
        ...{ frameTimeMs, readyTimeMs: Date.now(), bundle: release.digest, interpreter: 'engine' },
        timings: { prepareMs: 1, encryptMs: 2, evaluateMs: 3 },
      },
      signingKey,
    );
    await outbox.append({
      session,
      sequence,
      camera,
      historical,
      wire,
    });
    sender.pump();
  };
  const credentials = await readLinkCredentials(broker);
  connect = () => {
    link = connectLink({ url, clock, log, ...credentials, clientId: 'gate' });
    links.push(link);
    link.onUp(() => sender.linkUp());
    link.subscribe(
      topics.receipt,
      (_, payload) => void sender.received(parseMessage(Receipt, payload).received),
    );
    link.subscribe(siteTopics('yard').backendState, (_, payload) => {
      const { state, session } = parseMessage(BackendState, payload);
      sender.backendChanged(state === 'online' ? session : null);
    });
  };
}, 120_000);

afterAll(async () => {
  for (const link of links) await link.close();
  await yard?.close();
});

it('answers about the present come before the hundreds that waited, and all of these come', async () => {
  const nowMs = Date.now();
  for (let i = WAITING; i > 0; i--) await answer(nowMs - i * FRAME_MS);
  expect(outbox.status.waiting).toBe(WAITING);
  connect();
  const past = () => told.filter(({ camera }) => camera === 'past').length;
  for (let i = 1; i <= PRESENT; i++) {
    await vi.waitFor(() => expect(past()).toBeGreaterThanOrEqual(i * EVERY), WAIT);
    await answer(Date.now());
  }
  await vi.waitFor(() => expect(told).toHaveLength(WAITING + PRESENT), WAIT);
  await vi.waitFor(() => expect(outbox.status).toMatchObject({ waiting: 0, dropped: 0 }), WAIT);
  const places = told.flatMap(({ camera }, place) => (camera === 'present' ? [place] : []));
  // In the order in which they were taken, all of them would be told last.
  expect(places[0]).toBeLessThan(WAITING);
});
