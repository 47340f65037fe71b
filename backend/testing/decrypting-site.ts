import type { KeyObject } from 'node:crypto';
import { type Envelope, encodeEnvelope, envelopeDigest } from '#protocol/envelope.ts';
import type { Result } from '#protocol/messages.ts';
import { systemClock } from '#runtime/clock.ts';
import { createLogger } from '#runtime/log.ts';
import { Decryptor } from '../decryption/decryptor.ts';
import { Processor, type ProcessorOptions } from '../decryption/processor.ts';
import { keepNetwork } from '../protection/keep-network.ts';
import type { InboxBound, InboxItem } from '../store/inbox.ts';
import { enrolTestGateway, makeTestSite, releaseTo, type TestSite } from './test-site.ts';
import type { TinyNetwork } from './tiny-network.ts';

const BOUND: InboxBound = { items: 10_000, bytes: 2 ** 30, siteBytes: 2 ** 30 };
const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });

/** A gateway of a {@link DecryptingSite}: the key that it signs with, and the network that it runs. */
export type TestGateway = { readonly name: string; readonly signingKey: KeyObject; readonly bundle: string };

/** The topic on which an envelope comes, and when. */
type Arrival = { readonly gateway: string; readonly camera: string; readonly receivedMs: number };

/** A site that decrypts answers of the tiny network: real store, keys and thread, without broker. */
export type DecryptingSite = {
  readonly site: TestSite;
  readonly gateway: TestGateway;
  /** What was given out, in order. */
  readonly results: Result[];
  /** What its processors decrypt with; a test that counts or spoils that puts a spy on it. */
  readonly decryptor: Decryptor;
  /** A processor as after a restart: what it knew in memory is gone. */
  makeProcessor(options?: Partial<ProcessorOptions>): Processor;
  /** Enrols another gateway that runs the network, too. */
  enrol(name: string, enrolledMs?: number): Promise<TestGateway>;
  /** An answer of a second ago. */
  makeEnvelope(changes?: Partial<Envelope>, gateway?: TestGateway): Envelope;
  /** Signs an envelope and puts it into the inbox as if it had come on its gateway's topic. */
  put(changes: Partial<Envelope>, gateway?: TestGateway, arrival?: Partial<Arrival>): Promise<void>;
  /** The same with any bytes, from camera `door`. */
  putBytes(bytes: Uint8Array, arrival?: Partial<Arrival>): Promise<void>;
  close(): Promise<void>;
};

/** @param network stays open; its keys are copied. */
export async function makeDecryptingSite(
  network: Pick<TinyNetwork, 'protectedNetwork'>,
): Promise<DecryptingSite> {
  const site = await makeTestSite();
  const { protectedNetwork } = network;
  await keepNetwork(
    site,
    'tiny',
    {
      ...protectedNetwork,
      secretKey: Uint8Array.from(protectedNetwork.secretKey),
      resultSecretKey: Uint8Array.from(protectedNetwork.resultSecretKey!),
      onnx: Uint8Array.from(protectedNetwork.onnx),
    },
    1,
  );
  const decryptor = new Decryptor(site);
  const results: Result[] = [];
  const enrol = async (name: string, enrolledMs?: number): Promise<TestGateway> => {
    const signingKey = await enrolTestGateway(site, name, '01', enrolledMs);
    return { name, signingKey, bundle: await releaseTo(site, name, 'tiny') };
  };
  const own = await enrol('gate');
  // No two pictures of a test are of the same millisecond.
  let newestMs = 0;
  const pictureMs = () => {
    newestMs = Math.max(Date.now() - 1000, newestMs + 1);
    return newestMs;
  };
  const makeEnvelope = (changes: Partial<Envelope> = {}, gateway = own): Envelope => ({
    schema: 1,
    site: site.name,
    gateway: gateway.name,
    camera: 'door',
    session: 1,
    sequence: 0,
    frameTimeMs: pictureMs(),
    readyTimeMs: Date.now() - 500,
    bundle: gateway.bundle,
    interpreter: 'reference',
    historical: false,
    timings: { prepareMs: 1, encryptMs: 2, evaluateMs: 3 },
    ciphertext: new Uint8Array(1),
    ...changes,
  });
  const putBytes = async (envelope: Uint8Array, arrival: Partial<Arrival> = {}) => {
    const topic = { gateway: own.name, camera: 'door', receivedMs: Date.now(), ...arrival };
    const outcome = await site.store.inbox.add(
      { ...topic, digest: envelopeDigest(envelope), envelope },
      BOUND,
    );
    if (outcome !== 'stored' && outcome !== 'present') throw new Error(`the inbox said ${outcome}`);
  };
  return {
    site,
    gateway: own,
    results,
    decryptor,
    enrol,
    makeEnvelope,
    makeProcessor: (options) =>
      new Processor({
        store: site.store,
        site: site.name,
        decryptor,
        audits: { consider: async () => {}, heard: () => {} },
        acceptsReference: true,
        limits: {
          perCameraPerSecond: 640,
          ofCameras: new Map(),
          maxAgeMs: 72 * 3_600_000,
          formerReleaseMs: 72 * 3_600_000,
        },
        audit: { share: 0.02, lateShare: 0.2, aheadAnswers: 200 },
        heldBound: { items: 1000, bytes: 2 ** 30, siteBytes: 2 ** 30 },
        clock: systemClock,
        log,
        onResult: (result) => results.push(result),
        onChange: () => {},
        ...options,
      }),
    put: (changes, gateway = own, arrival) => {
      const envelope = makeEnvelope(changes, gateway);
      const topic = { gateway: gateway.name, camera: envelope.camera, ...arrival };
      return putBytes(encodeEnvelope(envelope, gateway.signingKey), topic);
    },
    putBytes,
    close: async () => {
      await decryptor.close();
      await site.close();
    },
  };
}

/** Processes all that waits, many at a time. */
export async function drain({ site: { store } }: DecryptingSite, processor: Processor): Promise<void> {
  for (;;) {
    const items: InboxItem[] = [];
    let next = await store.inbox.first();
    while (next !== null && items.length < 64) {
      items.push(next);
      next = await store.inbox.first(next.id);
    }
    if (items.length === 0) return;
    await processor.process(items);
  }
}
