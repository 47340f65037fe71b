import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { AgentConfig } from '#config/schema.ts';
import { testPicture } from '#fhe/testing';
import { CHUNK_BYTES, encodeChunk } from '#protocol/chunk.ts';
import { BlindsightError, type ErrorCode } from '#protocol/errors.ts';
import type { BundlePartName } from '#protocol/manifest.ts';
import type { ChunkRequest, Reported } from '#protocol/messages.ts';
import { systemClock } from '#runtime/clock.ts';
import { ensureDirectory } from '#runtime/files.ts';
import { LaidOutNumber } from '#runtime/laid-out-number.ts';
import { createLogger } from '#runtime/log.ts';
import type { Bundle } from '../inference/bundle.ts';
import { InterpreterOpener } from '../inference/interpreter-opener.ts';
import { Runner } from '../inference/runner.ts';
import { BundleStore } from '../rollout/bundle-store.ts';
import { recoverState } from '../rollout/recover-state.ts';
import { Rollout } from '../rollout/rollout.ts';
import { RolloutStateFile } from '../rollout/rollout-state.ts';
import type { Trust } from '../trust/trust.ts';
import type { TestBundle } from './make-bundle.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { until } from './until.ts';

const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });

export type RolloutBenchOptions = {
  readonly directory?: string;
  readonly reserveBytes?: number;
  readonly tamper?: (request: ChunkRequest, data: Uint8Array) => void;
  /** What the machine lacks for a bundle now, if anything. */
  readonly lacks?: (bundle: Bundle, isBeside: boolean) => ErrorCode | null;
  readonly retryMs?: readonly number[];
  /** Of all interpreters together. */
  readonly memoryMegabytes?: number;
  /** Whose owner keys count, and whose gate is asked. */
  readonly trust?: (directory: string) => Promise<Trust>;
};

/** A gateway's rollout on a folder, and a backend that serves one bundle, possibly falsified on the way. */
export async function openRolloutBench(options: RolloutBenchOptions, owners: readonly KeyObject[]) {
  const directory = options.directory ?? (await temporaryDirectory());
  const trust = await options.trust?.(directory);
  const ownerKeys = trust?.ownerKeys ?? (() => owners);
  await ensureDirectory(join(directory, 'counters'));
  const reports: Reported['bundle'][] = [];
  const requests: ChunkRequest[] = [];
  const events: string[] = [];
  const served = new Map<string, TestBundle>();
  let silent = false;
  const { memoryMegabytes = 1_000 } = options;
  const inference = AgentConfig.shape.inference.parse({ threads: 1, memoryMegabytes });
  const opener = new InterpreterOpener(() => inference);
  const opened: { readonly digest: string; readonly isBeside: boolean }[] = [];
  const open = async (bundle: Bundle, selfTest: boolean, signal?: AbortSignal) => {
    const lacking = options.lacks?.(bundle, runner.host !== null) ?? null;
    if (lacking !== null) throw new BlindsightError(lacking, 'the machine lacks it');
    const isBeside = runner.host !== null;
    const host = await opener.open({ bundle, selfTest, isBeside, ...(signal && { signal }) });
    opened.push({ digest: bundle.digest, isBeside });
    return host;
  };
  const runner = new Runner({
    open: (bundle) => open(bundle, false),
    clock: systemClock,
    log,
    onChange: () => {},
    onGiveUp: (bundle, reason) => rollout.rollBack(bundle, reason),
    restartMs: [10],
  });
  const serve = (request: ChunkRequest) => {
    requests.push(request);
    const data = served.get(request.bundle)?.parts[request.part as BundlePartName];
    if (data === undefined) return;
    for (let number = request.from; number < request.from + request.count; number++) {
      if (silent) return;
      const piece = data.slice(number * CHUNK_BYTES, (number + 1) * CHUNK_BYTES);
      options.tamper?.(request, piece);
      const part = request.part as BundlePartName;
      rollout.receiveChunk(encodeChunk({ bundle: request.bundle, part, number, data: piece }));
    }
  };
  const store = new BundleStore(join(directory, 'bundles'), options.reserveBytes);
  const rollout = new Rollout({
    site: 'town',
    gateway: 'gate-1',
    ownerKeys,
    ...(trust && { admit: trust.admit }),
    store,
    stateFile: await RolloutStateFile.open(
      join(directory, 'rollout.json'),
      () => recoverState(store, { site: 'town', gateway: 'gate-1', ownerKeys }),
      await LaidOutNumber.open(join(directory, 'counters', 'release'), () => Promise.resolve(0)),
    ),
    open,
    activate: (host) => runner.activate(host),
    deactivate: () => runner.close(),
    request: (request) => void setImmediate(() => serve(request)),
    clock: systemClock,
    log,
    onReport: () => reports.push(rollout.report),
    onEvent: (_level, code) => events.push(code),
    retryMs: options.retryMs ?? [600_000],
  });
  const close = async () => {
    await rollout.close();
    await runner.close();
  };
  onTestFinished(close);
  trust?.connect({ onChange: () => rollout.reconsider('trust'), onReport: () => {}, onEvent: () => {} });
  await rollout.start();
  const release = (bundle: TestBundle) => {
    served.set(bundle.digest, bundle);
    rollout.receiveManifest(bundle.wire);
  };
  const reaches = (status: Reported['bundle']['status'], subject: string) =>
    until(`${status}, is ${JSON.stringify(rollout.report)}`, () =>
      rollout.report.status === status && rollout.report.subject === subject ? rollout.report : null,
    );
  const answers = async () => {
    const host = runner.host;
    if (host === null) return null;
    return (
      await runner.run(
        host,
        Uint8Array.from(testPicture, (value) => 255 * value),
      )
    ).ciphertext.length > 0
      ? host.bundle.digest
      : null;
  };
  const mute = (value: boolean) => {
    silent = value;
  };
  return {
    directory,
    trust,
    rollout,
    runner,
    release,
    reaches,
    answers,
    opened,
    reports,
    requests,
    events,
    close,
    mute,
  };
}
