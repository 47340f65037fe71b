import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BlindsightError } from '#protocol/errors.ts';
import type { BundlePart } from '#protocol/manifest.ts';
import { publicKeyBytes } from '#protocol/public-key.ts';
import type { Clock } from '#runtime/clock.ts';
import { ensureDirectory, readSecretFile, writeFileAtomic } from '#runtime/files.ts';
import type { Logger } from '#runtime/log.ts';
import { RetryLadder } from '#runtime/retry.ts';
import type { AuditedPlace, AuditOutcome } from './audit-task.ts';
import { PartCache } from './part-cache.ts';
import { ThreadAuditor } from './thread-auditor.ts';

export type AuditorProcessOptions = {
  /** Of the backend's API, without path: `https://blindsight.example`. */
  readonly url: string;
  /** Of the role `auditor`. */
  readonly token: string;
  /** Folder of its own: its key, and parts of networks. */
  readonly data: string;
  /** Parts of networks that stay on its disk. */
  readonly cacheBytes: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called whenever it goes on: with an answer to audit, or looking for one. */
  readonly onStep?: () => void;
};

/** It goes on after this at the latest, whatever a backend, a network or a large program does. */
export const AUDITOR_STEP_MS = 45 * 60_000;

type Job = {
  readonly id: string;
  readonly place: AuditedPlace;
  readonly answer: string;
  /** base64 */
  readonly opening: string;
  readonly parts: readonly BundlePart[];
};

const KEY_FILE = 'auditor.key';
const WAIT_SECONDS = 25;
const TIMEOUT_MS = 60_000;
/** A person has to do something about these. */
const FINAL = new Set([401, 403, 409]);

/**
 * `blindsight auditor`: fetches answers to audit from a backend, which keeps them and knows the gateways, and brings back verdicts. It holds the key
 * that openings are sealed to, and no other. Reconnects by itself, with jitter.
 *
 * @throws BlindsightError AUDITOR_REFUSED where the backend will not have it; SECRET_EXPOSED for a key file that others can read
 */
export async function runAuditor(options: AuditorProcessOptions, signal: AbortSignal): Promise<void> {
  const { data, cacheBytes, clock, log } = options;
  await ensureDirectory(data);
  const key = await openKeyFile(join(data, KEY_FILE));
  const cache = new PartCache(join(data, 'bundles'), cacheBytes);
  const der = () => new Uint8Array(key.export({ format: 'der', type: 'pkcs8' }) as Buffer);
  const auditor = new ThreadAuditor({ keys: async () => [der()], parts: cache.folder });
  signal.addEventListener('abort', () => void auditor.close(), { once: true });
  const ladder = new RetryLadder([1000, 5000, 15_000, 30_000]);
  let isRegistered = false;
  try {
    while (!signal.aborted) {
      options.onStep?.();
      try {
        if (!isRegistered) {
          const text = Buffer.from(publicKeyBytes(createPublicKey(key))).toString('base64url');
          await call(options, signal, 'PUT', '/api/auditor/key', { key: text });
          log.info({ url: options.url }, 'the auditor is connected; gateways seal to its key');
          isRegistered = true;
        }
        await auditNext(options, cache, auditor, signal);
        ladder.reset();
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof BlindsightError && error.code === 'AUDITOR_REFUSED') throw error;
        isRegistered = false;
        log.warn({ err: error }, 'the auditor could not do its work; trying again');
        await clock.sleep(ladder.next(), signal).catch(() => {});
      }
    }
  } finally {
    await auditor.close();
  }
}

async function auditNext(
  options: AuditorProcessOptions,
  cache: PartCache,
  auditor: ThreadAuditor,
  signal: AbortSignal,
): Promise<void> {
  const response = await call(
    options,
    signal,
    'GET',
    `/api/auditor/job?seconds=${WAIT_SECONDS}&shared=true&gathered=true`,
  );
  if (response.status === 204) return;
  const { id, place, answer, opening, parts } = (await response.json()) as Job;
  await cache.ensure(parts, async (sha256, offset) => {
    const piece = await call(options, signal, 'GET', `/api/auditor/parts/${sha256}?offset=${offset}`);
    return new Uint8Array(await piece.arrayBuffer());
  });
  const job = { place, answer, opening: new Uint8Array(Buffer.from(opening, 'base64')), parts };
  const outcome: AuditOutcome = await auditor.audit(job);
  await call(options, signal, 'PUT', `/api/auditor/verdicts/${id}`, { outcome });
}

/** @throws BlindsightError AUDITOR_REFUSED for what only a person can mend; another error for what may pass */
async function call(
  { url, token }: AuditorProcessOptions,
  signal: AbortSignal,
  method: 'GET' | 'PUT',
  path: string,
  body?: object,
): Promise<Response> {
  const response = await fetch(new URL(path, url), {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  });
  // Somebody else judged this one: nothing is lost.
  if (response.ok || response.status === 410) return response;
  const text = (await response.text()).slice(0, 300);
  if (FINAL.has(response.status))
    throw new BlindsightError(
      'AUDITOR_REFUSED',
      `the backend refused the auditor (${response.status}): ${text}`,
    );
  throw new Error(`the backend answered ${response.status} to ${method} ${path}: ${text}`);
}

/** The auditor's X25519 key, PKCS #8 PEM, readable by nobody else; made the first time. */
async function openKeyFile(file: string): Promise<KeyObject> {
  if (!existsSync(file)) {
    const { privateKey } = generateKeyPairSync('x25519');
    const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }) as string;
    await writeFileAtomic(file, Buffer.from(pem), { mode: 0o600 });
  }
  return createPrivateKey(Buffer.from(await readSecretFile(file)));
}
