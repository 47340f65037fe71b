import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Frame } from '#agent/camera/frame.ts';
import { InterpreterHost } from '#agent/inference/interpreter-host.ts';
import { type Answer, Pipeline } from '#agent/inference/pipeline.ts';
import { Runner } from '#agent/inference/runner.ts';
import { Openings } from '#agent/opening/openings.ts';
import { Outbox } from '#agent/outbox/outbox.ts';
import { recordAnswers } from '#agent/outbox/recorder.ts';
import { Sender } from '#agent/outbox/sender.ts';
import { SessionCounter } from '#agent/uplink/session-counter.ts';
import { ThreadAuditor } from '#backend/auditor/thread-auditor.ts';
import { deployModel } from '#backend/operations/deploy-model.ts';
import { protectModel } from '#backend/operations/protect-model.ts';
import { enrolTestGateway, makeTestSite } from '#backend/testing/test-site.ts';
import { AgentConfig } from '#config/schema.ts';
import { decodeManifest } from '#protocol/manifest.ts';
import type { AnswerPlace } from '#protocol/opening.ts';
import { systemClock } from '#runtime/clock.ts';
import { createLogger } from '#runtime/log.ts';

/** What audits of one network cost on this machine. */
export type AuditCost = {
  readonly network: string;
  /** Median time of the auditor's thread for one audit, ms. */
  readonly auditMs: number;
  /** Median time from one picture to the next on a gateway that is never idle: without openings, and while it keeps them, ms. */
  readonly withoutMs: number;
  readonly keepingMs: number;
  /** Of `keepingMs` to `withoutMs`, taken pair by pair: the median. */
  readonly ratio: number;
};

export type AuditBenchOptions = {
  readonly quick?: boolean;
  readonly onProgress?: (text: string, share: number) => void;
  readonly signal?: AbortSignal;
};

const NETWORKS = ['counter', 'e2dm'] as const;
const SITE = { site: 'yard', gateway: 'gate' } as const;
const CAMERA = 'door';
/** Pictures in a row of one kind. */
const BLOCK = 25;
const AUDITS = 40;
const log = createLogger({ name: 'bench', level: 'error', format: 'json' });

/**
 * Measures the auditor, and a gateway's way from picture to stored envelope with and without openings, in turn: with an engine's thread, outbox and opening log on
 * the real disk, without camera and link.
 */
export async function benchAudits({
  quick = false,
  onProgress = () => {},
  signal,
}: AuditBenchOptions = {}): Promise<AuditCost[]> {
  const costs: AuditCost[] = [];
  for (const [i, network] of NETWORKS.entries()) {
    onProgress(`audits of ${network}`, i / NETWORKS.length);
    costs.push(await benchNetwork(network, quick ? 2 : 20, signal));
  }
  return costs;
}

async function benchNetwork(
  network: string,
  rounds: number,
  signal: AbortSignal | undefined,
): Promise<AuditCost> {
  const folder = await mkdtemp(join(tmpdir(), 'blindsight-bench-'));
  const site = await makeTestSite(SITE.site);
  const auditorKeys = generateKeyPairSync('x25519');
  const auditor = new ThreadAuditor({
    keys: async () => [
      new Uint8Array(auditorKeys.privateKey.export({ format: 'der', type: 'pkcs8' }) as Buffer),
    ],
    parts: join(site.dataDirectory, 'bundles'),
  });
  try {
    const signingKey = await enrolTestGateway(site, SITE.gateway);
    await protectModel({ site, network, ...(signal && { signal }) });
    const release = await deployModel({ site, model: network, gateway: SITE.gateway });
    const { manifest } = decodeManifest(release.manifest);
    const directory = join(folder, 'bundle');
    await mkdir(directory);
    for (const { name, sha256 } of manifest.parts)
      await writeFile(join(directory, name), await site.blobs.get(sha256));
    const bundle = { digest: release.digest, directory, manifest };
    const gateway = await makeGateway(folder, bundle, signingKey, auditorKeys.publicKey);
    try {
      await gateway.show(BLOCK, true);
      await gateway.show(BLOCK, false);
      const pairs: { readonly keepingMs: number; readonly withoutMs: number }[] = [];
      for (let round = 0; round < rounds; round++) {
        signal?.throwIfAborted();
        // In either order, so that whatever grows meanwhile is nobody's.
        const first = await gateway.show(BLOCK, round % 2 === 0);
        const second = await gateway.show(BLOCK, round % 2 !== 0);
        pairs.push(
          round % 2 === 0 ? { keepingMs: first, withoutMs: second } : { keepingMs: second, withoutMs: first },
        );
      }
      const audits: number[] = [];
      for (const { place, answer } of gateway.kept.slice(-AUDITS)) {
        const opening = await gateway.openings.find(answer);
        const begunMs = performance.now();
        const outcome = await auditor.audit({ place, answer, opening: opening!, parts: manifest.parts });
        audits.push(performance.now() - begunMs);
        if (outcome !== 'equal') throw new Error(`an honest answer of ${network} was found ${outcome}`);
      }
      return {
        network,
        // Without the first, which loads the network.
        auditMs: median(audits.slice(1)),
        withoutMs: median(pairs.map(({ withoutMs }) => withoutMs)),
        keepingMs: median(pairs.map(({ keepingMs }) => keepingMs)),
        ratio: median(pairs.map(({ keepingMs, withoutMs }) => keepingMs / withoutMs)),
      };
    } finally {
      await gateway.close();
    }
  } finally {
    await auditor.close();
    await site.close();
    await rm(folder, { recursive: true });
  }
}

type Host = Parameters<typeof InterpreterHost.open>[0];
type Kept = { readonly place: AnswerPlace; readonly answer: string };

async function makeGateway(
  folder: string,
  bundle: Host['bundle'],
  signingKey: Parameters<typeof recordAnswers>[1]['signingKey'],
  auditorKey: KeyObject,
) {
  const clock = systemClock;
  const openings = await Openings.open({
    ...{ directory: join(folder, 'openings'), auditorKey: () => auditorKey, clock, log },
  });
  const bounds = { maxBytes: 2 ** 30, maxAgeMs: 1e9 };
  const outbox = await Outbox.open({ directory: join(folder, 'outbox'), ...bounds, openings, clock, log });
  const sessions = await SessionCounter.open(folder, clock);
  const link = { connected: false, publish: async () => {} };
  const sender = new Sender({ outbox, link, topic: (name) => name, signingKey, sessions, clock, log });
  const open = () => InterpreterHost.open({ bundle, kind: 'engine', threads: 2, selfTest: false });
  const runner = new Runner({ clock, log, open, onChange: () => {}, onGiveUp: () => {} });
  await runner.activate(await open());
  const recorder = { ...SITE, signingKey, sessions, outbox, openings, sender };
  const kept: Kept[] = [];
  let [left, isKeeping, number] = [0, true, 0];
  let done = Promise.withResolvers<void>();
  const camera = {
    config: AgentConfig.shape.cameras.parse([{ name: CAMERA, url: 'rtsp://host/path', rate: 60 }])[0]!,
    name: CAMERA,
    get hasFrame() {
      return left > 0;
    },
    take: (): Frame => {
      left--;
      number++;
      const data = new Uint8Array(320 * 240 * 3).fill(number % 251);
      return { width: 320, height: 240, data, timeMs: Date.now() + number / 1000, number };
    },
    markInference: () => {},
  };
  let stored = 0;
  const onAnswer = async (answer: Answer): Promise<boolean> => {
    const { camera: name, frameTimeMs, ciphertext } = answer;
    if (!isKeeping) for (const secret of [answer.opening?.picture, answer.opening?.seed]) secret?.fill(0);
    const opening = isKeeping ? answer.opening : null;
    const isStored = await recordAnswers({ answers: [answer], ciphertext, opening }, recorder);
    if (isKeeping)
      kept.push({
        place: { ...SITE, camera: name, frameTimeMs, bundle: bundle.digest },
        answer: createHash('sha256').update(ciphertext).digest('hex'),
      });
    if (++stored % BLOCK === 0) done.resolve();
    return isStored;
  };
  const pipeline = new Pipeline({ ...SITE, clock: unhurried, log, runner, cameras: [camera], onAnswer });
  const stop = new AbortController();
  const running = pipeline.run(stop.signal);
  return {
    kept,
    openings,
    /** @returns ms for each picture, from the first that is taken to the last that is stored */
    async show(count: number, keeping: boolean): Promise<number> {
      done = Promise.withResolvers();
      isKeeping = keeping;
      const begunMs = performance.now();
      left = count;
      pipeline.wake();
      await done.promise;
      return (performance.now() - begunMs) / count;
    },
    async close() {
      stop.abort();
      pipeline.wake();
      await running;
      await openings.close();
      await runner.close();
    },
  };
}

/** A camera is always due: what is measured is never idle. */
const unhurried = { ...systemClock, monotonic: () => performance.now() * 1000 };

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
