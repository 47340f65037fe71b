import { createHash, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentConfig, type CameraConfig } from '#config/schema.ts';
import { signAuditorKey } from '#protocol/auditor-key.ts';
import { decodeOpenings, signChallenge } from '#protocol/challenge.ts';
import {
  type CommandAnswer,
  decodeAnswerPart,
  joinAnswer,
  verifyAnswerPart,
} from '#protocol/command-answer.ts';
import { decodeEnvelope, type Envelope } from '#protocol/envelope.ts';
import { systemClock } from '#runtime/clock.ts';
import { createLogger } from '#runtime/log.ts';
import type { Frame } from '../camera/frame.ts';
import { InterpreterHost } from '../inference/interpreter-host.ts';
import { Pipeline } from '../inference/pipeline.ts';
import { Runner } from '../inference/runner.ts';
import { Audits } from '../opening/audits.ts';
import { Outbox } from '../outbox/outbox.ts';
import { recordAnswers } from '../outbox/recorder.ts';
import { Sender } from '../outbox/sender.ts';
import { SessionCounter } from '../uplink/session-counter.ts';
import { makeBundle, makeNetwork, type NetworkChange } from './make-bundle.ts';
import { until } from './until.ts';

const SITE = { site: 'town', gateway: 'gate-1' } as const;
const MAX_ENVELOPE_BYTES = 2 ** 20;

/** SHA-256, hex, of a ciphertext: the name of its opening. */
export const answerName = (ciphertext: Uint8Array): string =>
  createHash('sha256').update(ciphertext).digest('hex');

/** Keys, and a bundle that the engine has open: what is common to the runs of one gateway. */
export type AuditedSite = Awaited<ReturnType<typeof makeAuditedSite>>;

export async function makeAuditedSite(folder: string, change: NetworkChange = {}, threads = 2) {
  const owner = generateKeyPairSync('ed25519');
  const { digest, manifest, parts } = makeBundle(await makeNetwork('inner', change), owner.privateKey);
  const directory = join(folder, 'bundle');
  await mkdir(directory, { recursive: true });
  for (const [name, bytes] of Object.entries(parts)) await writeFile(join(directory, name), bytes);
  const bundle = { digest, manifest, directory };
  const open = (count = threads) =>
    InterpreterHost.open({ bundle, kind: 'engine', threads: count, selfTest: true });
  return {
    ...{ owner, bundle, open, data: join(folder, 'data') },
    signing: generateKeyPairSync('ed25519'),
    auditor: generateKeyPairSync('x25519'),
  };
}

/** The message that names the auditor of a site. */
export function auditorMessage(key: KeyObject, number: number, owner: KeyObject, site: string = SITE.site) {
  const x = Buffer.from(key.export({ format: 'jwk' }).x!, 'base64url');
  return signAuditorKey({ schema: 1, site, number, key: new Uint8Array(x) }, owner);
}

/** Shows what it is given, one picture after the other. */
class Projector {
  readonly config: CameraConfig;
  readonly #frames: Frame[] = [];

  constructor(config: Partial<CameraConfig>) {
    const camera = { name: 'door', url: 'rtsp://host/path', rate: 60, ...config };
    this.config = AgentConfig.shape.cameras.parse([camera])[0]!;
  }

  get name(): string {
    return this.config.name;
  }

  get hasFrame(): boolean {
    return this.#frames.length > 0;
  }

  show(frame: Frame): void {
    this.#frames.push(frame);
  }

  take(): Frame | null {
    return this.#frames.shift() ?? null;
  }

  markInference(): void {}
}

/** A gateway's way from a picture to the answer that is sent, and to its opening; only cameras and the link are not real. */
export async function startAuditedGateway(site: AuditedSite, camera: Partial<CameraConfig> = {}) {
  await mkdir(site.data, { recursive: true });
  const clock = systemClock;
  const log = createLogger({ name: 'test', level: 'error', format: 'json' });
  const signingKey = site.signing.privateKey;
  const parts = new Map<string, Uint8Array[]>();
  const audits = await Audits.open({
    ...{ ...SITE, data: site.data, signingKey, clock, log },
    ownerKeys: () => [site.owner.publicKey],
    publish: async (_, id, wire) => void parts.set(id, [...(parts.get(id) ?? []), wire]),
  });
  const { openings } = audits;
  const directory = join(site.data, 'outbox');
  const bounds = { maxBytes: 1e8, maxAgeMs: 1e9 };
  const outbox = await Outbox.open({ directory, ...bounds, openings, clock, log });
  const published: Envelope[] = [];
  const link = {
    connected: true,
    publish: async (_: string, payload: Uint8Array | string) =>
      void published.push(decodeEnvelope(payload as Uint8Array, MAX_ENVELOPE_BYTES).envelope),
  };
  const sessions = await SessionCounter.open(site.data, clock);
  const sender = new Sender({ outbox, link, topic: (name) => name, signingKey, sessions, clock, log });
  const runner = new Runner({
    ...{ clock, log },
    open: () => site.open(),
    onChange: () => {},
    onGiveUp: () => {},
  });
  await runner.activate(await site.open());
  const projector = new Projector(camera);
  const recorder = { ...SITE, signingKey, sessions, outbox, openings, sender };
  let stored = 0;
  const pipeline = new Pipeline({
    ...{ ...SITE, clock, log, runner, cameras: [projector] },
    onAnswer: async (answer) => {
      const isKept = await recordAnswers({ ...answer, answers: [answer] }, recorder);
      stored++;
      return isKept;
    },
  });
  const stop = new AbortController();
  const running = pipeline.run(stop.signal);
  /** Ends everything as a power cut would: nothing is said or written any more. */
  const cut = async () => {
    stop.abort();
    pipeline.wake();
    await running;
    await audits.close();
    await runner.close();
  };
  /** Shows a picture of some brightness and waits until its answers are stored. @returns what waits in the outbox then */
  const show = async (shade: number, answers = 1): Promise<void> => {
    const before = stored;
    const data = Uint8Array.from({ length: 32 * 32 * 3 }, (_, i) => (shade + Math.floor(i / 3) * 5) & 0xff);
    projector.show({ width: 32, height: 32, data, timeMs: 1_800_000_000_000.25 + shade, number: 1 });
    pipeline.wake();
    await until('answers', () => stored === before + answers);
  };
  /** Asks about answers as the backend does. */
  const ask = async (answers: readonly string[], key = site.owner.privateKey): Promise<CommandAnswer> => {
    const id = randomBytes(16).toString('hex');
    audits.receiveChallenge(id, signChallenge({ schema: 1, ...SITE, id, answers, createdMs: 0 }, key));
    const wires = await until('an answer', () => {
      const all = parts.get(id) ?? [];
      return all.length > 0 && all.length === decodeAnswerPart(all[0]!).part.count ? all : null;
    });
    const decoded = wires.map(decodeAnswerPart);
    for (const part of decoded)
      if (!verifyAnswerPart(part, site.signing.publicKey)) throw new Error('an answer is not signed');
    return joinAnswer(
      decoded.map(({ part }) => part.data),
      decoded[0]!.part.digest,
    );
  };
  const challenge = async (answers: readonly string[]) =>
    decodeOpenings((await ask(answers)).content?.bytes ?? new Uint8Array());
  const tellAuditor = (number = 1) =>
    audits.receiveKey(auditorMessage(site.auditor.publicKey, number, site.owner.privateKey));
  return { audits, outbox, sender, sessions, published, link, show, ask, challenge, tellAuditor, cut };
}
