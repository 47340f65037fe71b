import { openSelectionKey, Selection } from '#backend/auditor/selection.ts';
import { Decryptor } from '#backend/decryption/decryptor.ts';
import { Intake } from '#backend/decryption/intake.ts';
import { Processor } from '#backend/decryption/processor.ts';
import { RefusalLog } from '#backend/decryption/refusal-log.ts';
import type { ProtectedNetwork } from '#backend/protection/protect-task.ts';
import type { TestSite } from '#backend/testing/test-site.ts';
import { BackendConfig } from '#config/schema.ts';
import { decodeSecretKey } from '#fhe/testing';
import { type Envelope, encodeEnvelope } from '#protocol/envelope.ts';
import type { Result } from '#protocol/messages.ts';
import type { AnswerPlace } from '#protocol/opening.ts';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { AuditedGateway } from './audited-gateway.ts';
import { enrolLiar, NETWORK } from './enrol-liar.ts';
import type { Excuse } from './excuse.ts';
import type { HeldGateway } from './held-gateway.ts';
import type { OpenableAnswer } from './honest-gateway.ts';
import type { Policy } from './policy.ts';
import type { Told } from './shaping/told.ts';

/** A site in memory and in a temporary folder, with one gateway in the hands of a liar, who also reads what is published. */
export type SiteUnderAttack = {
  readonly site: TestSite;
  readonly gateway: HeldGateway;
  readonly clock: SimulatedClock;
  /** Of the owner: only to compare with what was recovered. */
  readonly secretKey: Int8Array;
  /** Of the owner, likewise: the logit of a slot value of 1. */
  readonly unit: number;
  /** Sends answers one after the other at {@link PER_SECOND}, and waits until all are settled. @returns what is published of each, null for nothing */
  publish(answers: readonly Uint8Array[]): Promise<(Told | null)[]>;
  /** The same for one envelope that is changed at will. */
  send(changes: Partial<Envelope>): Promise<Told | null>;
  /** What an answer of this moment is about. */
  place(): AnswerPlace;
  /** Keeps the opening of an honest answer: the gateway shows it whenever it is asked about that ciphertext. */
  keep(answer: OpenableAnswer): void;
  /** How much of answers the owner lets out. */
  policy(): Promise<Policy>;
  /** Of present answers that are audited. */
  readonly share: number;
  /** How many answers were decrypted before the gateway came into quarantine; null while it is not. */
  caughtAfter(): number | null;
  /** How often answers were refused for a reason. */
  refused(reason: string): Promise<number>;
  close(): Promise<void>;
};

/** Answers a second of a camera that nobody would look at twice. */
export const PER_SECOND = 5;
/** A camera whose owner has said how often it may answer. */
export const SLOW_CAMERA = { name: 'gate', perSecond: 1 } as const;
const CAMERA = 'door';
const log = createLogger({
  name: 'attack',
  level: 'error',
  format: 'json',
  destination: { write: () => {} },
});

function toldOf(results: readonly Result[], labels: readonly string[], regions: number): Told {
  const told: number[] = [];
  for (let region = 0; region < regions; region++) {
    const result = results[region];
    for (const label of labels)
      told.push(result?.probabilities?.[label] ?? (result?.label === label ? 1 : 0));
  }
  return told;
}

export type SiteOptions = {
  /** As in the backend's settings; its defaults where left out. */
  readonly audit?: Partial<BackendConfig['audit']>;
  /** What the liar says when he is asked. */
  readonly excuse?: Excuse;
};

/**
 * Enrols a gateway and deploys a network to it: real store, keys, checks, decrypting thread, selection, challenges and auditor; without a broker, whose
 * part (a gateway speaks on its own topics only) is kept.
 *
 * @param network stays as it is; its keys are copied.
 */
export async function makeSiteUnderAttack(
  network: ProtectedNetwork,
  { audit = {}, excuse = 'silent' }: SiteOptions = {},
): Promise<SiteUnderAttack> {
  const clock = new SimulatedClock(Date.now());
  const { interpretation } = network;
  const { site, gateway } = await enrolLiar(network, clock.now());
  const settings = { ...BackendConfig.shape.audit.parse(undefined), ...audit };
  const audited = await AuditedGateway.make({ site, gateway, settings, excuse, clock, log });
  const parts: Parts = {
    site,
    gateway,
    clock,
    settings,
    audited,
    selection: await selectionOf(site, settings),
  };
  const secretKey = decodeSecretKey(gateway.material.program.parameters, network.secretKey);
  return new LiveSite(parts, secretKey, interpretation.unit);
}

type Parts = {
  readonly site: TestSite;
  readonly gateway: HeldGateway;
  readonly clock: SimulatedClock;
  readonly settings: BackendConfig['audit'];
  readonly audited: AuditedGateway;
  readonly selection: Selection;
};

class LiveSite implements SiteUnderAttack {
  readonly #parts: Parts;
  readonly #decryptor: Decryptor;
  readonly #processor: Processor;
  readonly #intake: Intake;
  readonly #published = new Map<number, Result[]>();
  readonly secretKey: Int8Array;
  readonly unit: number;
  #sequence = 0;
  #caughtAfter: number | null = null;

  constructor(parts: Parts, secretKey: Int8Array, unit: number) {
    this.#parts = parts;
    this.secretKey = secretKey;
    this.unit = unit;
    const { site, clock } = parts;
    const { store } = site;
    this.#decryptor = new Decryptor(site);
    this.#processor = makeProcessor(parts, this.#decryptor, (result) => {
      const before = this.#published.get(result.sequence) ?? [];
      this.#published.set(result.sequence, [...before, result]);
    });
    const refusals = new RefusalLog(store, clock, log);
    const receipts = { add: () => {} };
    this.#intake = new Intake({ store, receipts, clock, log, refusals, onStored: () => {} });
  }

  get site(): TestSite {
    return this.#parts.site;
  }

  get gateway(): HeldGateway {
    return this.#parts.gateway;
  }

  get clock(): SimulatedClock {
    return this.#parts.clock;
  }

  get share(): number {
    return this.#parts.settings.share;
  }

  caughtAfter(): number | null {
    return this.#caughtAfter;
  }

  async publish(answers: readonly Uint8Array[]): Promise<(Told | null)[]> {
    const numbers: number[] = [];
    for (const ciphertext of answers) {
      if (this.#caughtAfter !== null) break;
      const envelope = this.#envelope({ ciphertext });
      numbers.push(envelope.sequence);
      await this.#deliver(envelope);
    }
    await this.#settleAll();
    return answers.map((_, i) => this.#told(numbers[i]));
  }

  async send(changes: Partial<Envelope>): Promise<Told | null> {
    const envelope = this.#envelope(changes);
    await this.#deliver(envelope);
    await this.#settleAll();
    return this.#told(envelope.sequence);
  }

  place(): AnswerPlace {
    const { site, gateway, camera, regions, frameTimeMs, bundle } = this.#envelope({ sequence: 0 });
    return { site, gateway, camera, ...(regions !== undefined && { regions }), frameTimeMs, bundle };
  }

  keep(answer: OpenableAnswer): void {
    this.#parts.audited.keep(answer);
  }

  async policy(): Promise<Policy> {
    const model = (await this.site.store.models.get(NETWORK, 1)) as { readonly output?: Policy } | null;
    return model?.output ?? { output: 'rounded', step: 0.01 };
  }

  async refused(reason: string): Promise<number> {
    return (await this.site.store.counters.all())[`refused.${reason}`] ?? 0;
  }

  async close(): Promise<void> {
    await this.#parts.audited.close();
    await this.#decryptor.close();
    await this.site.close();
  }

  #envelope(changes: Partial<Envelope>): Envelope {
    const { site, gateway, clock, audited } = this.#parts;
    const { regions } = gateway;
    const names = Array.from({ length: regions }, (_, i) => `region-${i + 1}`);
    return {
      ...{ schema: 1, site: site.name, gateway: gateway.name, camera: CAMERA },
      ...(regions > 1 && { regions: names }),
      ...{ session: 1 + audited.restarts, sequence: changes.sequence ?? this.#sequence++ },
      bundle: gateway.bundle,
      ...{ frameTimeMs: clock.now() - 60, readyTimeMs: clock.now() - 10 },
      ...{ interpreter: 'engine', historical: false },
      timings: { prepareMs: 4, encryptMs: 5, evaluateMs: 40 },
      ciphertext: new Uint8Array(1),
      ...changes,
    };
  }

  async #deliver(envelope: Envelope): Promise<void> {
    const { site, gateway, clock } = this.#parts;
    const topic = `blindsight/v1/${site.name}/${gateway.name}/camera/${envelope.camera}/inference`;
    const wire = encodeEnvelope(envelope, gateway.signingKey);
    this.#intake.receive(topic, wire, { retain: false, dup: false, qos: 1 });
    const before = Math.floor(clock.now() / 1000);
    clock.jump(clock.now() + 1000 / PER_SECOND);
    if (Math.floor(clock.now() / 1000) !== before) await this.#second();
  }

  /** What happens at each whole second: what came is decrypted, then the gateway is asked, and what it says is judged. */
  async #second(): Promise<void> {
    await this.#settleAll();
    if (this.share === 0 || this.#caughtAfter !== null) return;
    await this.#parts.audited.round();
    const { store } = this.site;
    if ((await store.gateways.get(this.gateway.name))?.quarantine == null) return;
    this.#caughtAfter = (await store.counters.all()).accepted ?? 0;
  }

  async #settleAll(): Promise<void> {
    const { inbox } = this.site.store;
    await this.#intake.idle();
    // Each once: what has to wait for an audit stays in the inbox.
    for (let item = await inbox.first(0); item !== null; item = await inbox.first(item.id)) {
      await this.#processor.process([item]);
    }
  }

  #told(sequence: number | undefined): Told | null {
    const results = sequence === undefined ? undefined : this.#published.get(sequence);
    if (results === undefined) return null;
    this.#published.delete(sequence!);
    return toldOf(results, this.gateway.labels, this.gateway.regions);
  }
}

async function selectionOf(site: TestSite, settings: BackendConfig['audit']): Promise<Selection> {
  const key = await openSelectionKey(site.store, site.vault, 0);
  const { share, lateShare } = settings;
  return new Selection({ store: site.store, key, share, lateShare: share === 0 ? 0 : lateShare });
}

function makeProcessor(
  { site, clock, audited, selection, settings }: Parts,
  decryptor: Decryptor,
  onResult: (result: Result) => void,
): Processor {
  const limits = {
    perCameraPerSecond: 100,
    ofCameras: new Map([[SLOW_CAMERA.name as string, SLOW_CAMERA.perSecond as number]]),
    maxAgeMs: 72 * 3_600_000,
    formerReleaseMs: 72 * 3_600_000,
  };
  const options = {
    ...{ store: site.store, site: site.name, decryptor, limits, clock, log, onResult },
    audits: {
      consider: selection.consider.bind(selection),
      heard: (gateway: string, receivedMs: number) => audited.heard(gateway, receivedMs),
    },
    ...{ acceptsReference: settings.acceptReference, audit: settings },
    heldBound: { items: 50_000, bytes: 2 ** 29, siteBytes: 2 ** 31 },
    onChange: () => {},
  };
  return new Processor(options);
}
