import { execFile } from 'node:child_process';
import { readdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Chunk } from '#protocol/chunk.ts';
import { BlindsightError } from '#protocol/errors.ts';
import type { ChunkRequest } from '#protocol/messages.ts';
import { SOFTWARE_PART } from '#protocol/software.ts';
import { PROGRAM, type SoftwareContents, unpackedBytes } from '#protocol/software-contents.ts';
import type { Clock } from '#runtime/clock.ts';
import { isDiskFull } from '#runtime/disk-full.ts';
import { ensureDirectory } from '#runtime/files.ts';
import { unpackArchive } from '#runtime/software-archive.ts';
import { PartFetcher } from '../rollout/part-fetcher.ts';
import type { CheckedSoftware } from './check-software.ts';
import type { Slots } from './slots.ts';
import type { Slot } from './software-state.ts';

export type InstallerOptions = {
  readonly slots: Slots;
  readonly request: (request: ChunkRequest) => void;
  readonly clock: Clock;
  /** Share of the archive that is here, 0 to 1. */
  readonly onProgress: (progress: number) => void;
  /** Is left free on the disk for the outbox, logs and the system. */
  readonly reserveBytes?: number;
};

const RESERVE_BYTES = 64 * 2 ** 20;
/** Long enough for a slow machine to read the program for the first time. */
const HELP_MS = 60_000;
const run = promisify(execFile);

/**
 * Brings the program of a release into a slot: fetched piece by piece, even over restarts, unpacked strictly, checked, and asked for its help. The slot is
 * complete only when its release is written, at the very end.
 */
export class Installer {
  readonly #options: InstallerOptions;
  #fetcher: PartFetcher | null = null;
  #fetching: string | null = null;

  constructor(options: InstallerOptions) {
    this.#options = options;
  }

  receive(chunk: Chunk): void {
    if (chunk.bundle === this.#fetching && chunk.part === SOFTWARE_PART) this.#fetcher?.receive(chunk);
  }

  /** The backend can be asked again. */
  backendUp(): void {
    this.#fetcher?.restart();
  }

  /** Removes archives of other releases than this one. */
  async keep(digest: string | null): Promise<void> {
    for (const name of await readdir(this.#archives).catch(() => []))
      if (name !== digest) await rm(join(this.#archives, name), { recursive: true, force: true });
  }

  /** Removes the archive of a release. */
  async drop(digest: string): Promise<void> {
    await rm(join(this.#archives, digest), { recursive: true, force: true });
  }

  /**
   * @throws BlindsightError SOFTWARE_NO_ROOM, SOFTWARE_DIGEST, SOFTWARE_UNAVAILABLE, SOFTWARE_INVALID, SOFTWARE_BROKEN; the signal's reason
   */
  async install(checked: CheckedSoftware, wire: Uint8Array, slot: Slot, signal: AbortSignal): Promise<void> {
    const { slots } = this.#options;
    const { digest, manifest } = checked;
    try {
      // Its former program is never needed again: what runs, and what is gone back to, is in the other slot.
      const program = await slots.begin(slot);
      const archive = await this.#fetch(checked, signal);
      signal.throwIfAborted();
      await unpackArchive(archive, program, manifest.contents, (contents) => this.#admit(contents, checked));
      await askForHelp(program);
      signal.throwIfAborted();
      await slots.finish(slot, wire);
      await slots.check({ slot, digest });
    } catch (error) {
      await slots.remove(slot).catch(() => {});
      throw translate(error);
    }
  }

  get #archives(): string {
    return join(this.#options.slots.folder, 'archives');
  }

  async #fetch({ digest, manifest }: CheckedSoftware, signal: AbortSignal): Promise<string> {
    const { request, clock, onProgress } = this.#options;
    await this.keep(digest);
    const directory = join(this.#archives, digest);
    await ensureDirectory(directory);
    await this.#makeSure(manifest.archive.bytes, 'the archive');
    this.#fetcher = new PartFetcher({
      bundle: digest,
      directory,
      part: { name: SOFTWARE_PART, ...manifest.archive },
      request,
      clock,
      onProgress: (bytes) => onProgress(bytes / manifest.archive.bytes),
    });
    this.#fetching = digest;
    try {
      await this.#fetcher.run(signal);
    } finally {
      this.#fetcher = null;
      this.#fetching = null;
    }
    return join(directory, SOFTWARE_PART);
  }

  async #admit(contents: SoftwareContents, { manifest }: CheckedSoftware): Promise<void> {
    if (contents.platform !== manifest.platform || contents.version !== manifest.version)
      throw new BlindsightError(
        'SOFTWARE_INVALID',
        `the archive holds ${contents.version} for ${contents.platform}, its release says ${manifest.version} for ${manifest.platform}`,
      );
    await this.#makeSure(unpackedBytes(contents.files), 'the unpacked program');
  }

  async #makeSure(bytes: number, what: string): Promise<void> {
    const { slots, reserveBytes = RESERVE_BYTES } = this.#options;
    const { bavail, bsize } = await statfs(slots.folder);
    if (bytes + reserveBytes <= bavail * bsize) return;
    const megabytes = (count: number) => `${Math.ceil(count / 2 ** 20)} MB`;
    throw new BlindsightError(
      'SOFTWARE_NO_ROOM',
      `${what} needs ${megabytes(bytes)}, the disk has ${megabytes(bavail * bsize)} free and must keep ${megabytes(reserveBytes)}`,
    );
  }
}

/** A program that this machine cannot run at all (its libraries, a folder that must not hold programs) is not worth a try. */
async function askForHelp(program: string): Promise<void> {
  try {
    await run(join(program, PROGRAM), ['agent', '--help'], { timeout: HELP_MS, killSignal: 'SIGKILL' });
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    const why = (stderr || message).trim().split('\n').slice(-3).join(' ').slice(0, 300);
    throw new BlindsightError('SOFTWARE_BROKEN', `the program does not even show its help: ${why}`);
  }
}

/** The codes of bundles, which the fetcher speaks, in terms of software. */
function translate(error: unknown): unknown {
  const { cause = null } = error instanceof Error ? error : {};
  if (isDiskFull(error) || isDiskFull(cause))
    return new BlindsightError('SOFTWARE_NO_ROOM', (error as Error).message, { cause: error });
  if (!(error instanceof BlindsightError)) return error;
  const { message } = error;
  if (error.code === 'BUNDLE_DIGEST')
    return new BlindsightError('SOFTWARE_DIGEST', message, { cause: error });
  if (error.code === 'BUNDLE_UNAVAILABLE')
    return new BlindsightError('SOFTWARE_UNAVAILABLE', message, { cause: error });
  return error;
}
