import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { BlindsightError } from '#protocol/errors.ts';
import { ARCHIVE_MAX_BYTES, SOFTWARE_VERSION } from '#protocol/software.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import { isDiskFull } from '#runtime/disk-full.ts';
import { checkArchive, readContents } from '#runtime/software-archive.ts';
import type { Site } from '../site.ts';
import type { SoftwareRecord } from '../store/software.ts';

export type AddSoftwareOptions = {
  readonly site: Pick<Site, 'store' | 'blobs' | 'dataDirectory'>;
  /** A .tar.gz that `deploy/edge/archive.ts` made. */
  readonly file: string;
  /** Hears what is done, and which share of it. */
  readonly onProgress?: (step: 'copying' | 'checking', share: number) => void;
  /** Ends it, with nothing kept. */
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
};

/**
 * Keeps an archive of the gateways' software, so that it can be released. It is read to its end: what a gateway would refuse is refused here.
 *
 * @returns the archive; `isNew` is false where the same one was kept before
 * @throws BlindsightError FILE_UNREADABLE, SOFTWARE_INVALID, SOFTWARE_DIGEST, SOFTWARE_EXISTS, DISK_FULL, AbortError; nothing is kept then
 */
export async function addSoftware(
  options: AddSoftwareOptions,
): Promise<{ readonly record: SoftwareRecord; readonly isNew: boolean }> {
  const { site, file, onProgress = () => {}, signal, clock = systemClock } = options;
  await checkSize(file);
  // Before it is copied: this tells at once what is no archive.
  const { version: named } = (await readContents(file)).contents;
  if (!SOFTWARE_VERSION.test(named))
    throw new BlindsightError('SOFTWARE_INVALID', `“${named}” is no version of software, such as 1.2.3`);
  const { sha256, bytes, checked } = await site.blobs
    .putFile(
      file,
      (copy) => checkArchive(copy, (share) => onProgress('checking', share)),
      (share) => onProgress('copying', share),
      signal,
    )
    .catch((error: unknown) => {
      if (!isDiskFull(error)) throw error;
      throw new BlindsightError('DISK_FULL', `the disk of ${site.dataDirectory} is full`, { cause: error });
    });
  const { version, platform } = checked.contents;
  const contents = createHash('sha256').update(checked.bytes).digest('hex');
  const record = { version, platform, sha256, bytes, contents, addedMs: clock.now() };
  if (await site.store.software.add(record)) return { record, isNew: true };
  const before = await site.store.software.get(version, platform);
  if (before?.sha256 === sha256) return { record: before, isNew: false };
  if (!(await isUsed(site, sha256))) await site.blobs.remove(sha256);
  throw new BlindsightError(
    'SOFTWARE_EXISTS',
    `there is another archive of version ${version} for ${platform}, with SHA-256 ${before?.sha256.slice(0, 12)}…`,
  );
}

async function checkSize(file: string): Promise<void> {
  const { size } = await stat(file).catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new BlindsightError('FILE_UNREADABLE', `cannot read ${file}: ${why}`, { cause });
  });
  if (size <= ARCHIVE_MAX_BYTES) return;
  throw new BlindsightError('SOFTWARE_INVALID', `${file} has ${size} bytes, at most ${ARCHIVE_MAX_BYTES} go`);
}

/** Whether any archive that is kept has this digest. */
async function isUsed({ store }: Pick<Site, 'store'>, sha256: string): Promise<boolean> {
  return (await store.software.list()).some((one) => one.sha256 === sha256);
}

/**
 * Removes the archives of a version, for every platform.
 *
 * @returns what was removed
 * @throws BlindsightError SOFTWARE_NOT_FOUND, SOFTWARE_IN_USE where a gateway may still fetch it
 */
export async function removeSoftware(
  site: Pick<Site, 'store' | 'blobs'>,
  version: string,
): Promise<readonly SoftwareRecord[]> {
  const removed = await site.store.transaction(async (store) => {
    const records = (await store.software.list()).filter((one) => one.version === version);
    if (records.length === 0)
      throw new BlindsightError('SOFTWARE_NOT_FOUND', `there is no software ${version}`);
    const wanted = (await store.software.current()).filter((release) => release.version === version);
    const [user] = wanted.filter(({ status }) => status !== 'rolled-back' && status !== 'refused');
    if (user !== undefined)
      throw new BlindsightError('SOFTWARE_IN_USE', `${user.gateway} is to run software ${version}`);
    for (const { id } of await store.rollouts.open()) {
      const targets = (await store.rollouts.gateways(id)).map(({ target }) => target);
      if (targets.some((target) => target.name === 'software' && target.version === version))
        throw new BlindsightError('SOFTWARE_IN_USE', `rollout ${id} releases software ${version}`);
    }
    for (const { platform } of records) await store.software.remove(version, platform);
    return records;
  });
  for (const { sha256 } of removed) if (!(await isUsed(site, sha256))) await site.blobs.remove(sha256);
  return removed;
}
