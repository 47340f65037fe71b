import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { PushedSettings } from '#config/schema.ts';
import { validateConfig } from '#config/validate.ts';
import { ensureDirectory, syncFolder, writeFileAtomic } from '#runtime/files.ts';

const SETTINGS = 'settings.yaml';
const SIGNED = 'signed';
const DRAFT = '.draft';
const NUMBER = /^\d+$/;

/** A version as it was checked: the settings as they were written, and the credentials of cameras in the clear. */
export type CheckedVersion = {
  readonly version: number;
  readonly settings: string;
  /** `user:password` by camera. */
  readonly credentials: ReadonlyMap<string, string>;
  /** As it came, with its signature. */
  readonly wire: Uint8Array;
};

/** Pushed configurations on disk: one folder each, which appears under its number when it is whole. */
export class VersionStore {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Writes a version; whole on disk when this resolves, or not there. */
  async add(checked: CheckedVersion): Promise<void> {
    await ensureDirectory(this.#directory);
    const draft = join(this.#directory, DRAFT);
    try {
      await this.#write(draft, checked);
      await rm(this.#folder(checked.version), { recursive: true, force: true });
      await rename(draft, this.#folder(checked.version));
    } catch (error) {
      await rm(draft, { recursive: true, force: true });
      throw error;
    }
    await syncFolder(this.#directory);
  }

  async #write(draft: string, { settings, credentials, wire }: CheckedVersion): Promise<void> {
    await rm(draft, { recursive: true, force: true });
    await ensureDirectory(draft);
    await writeFileAtomic(join(draft, SIGNED), wire, { mode: 0o600 });
    await writeFileAtomic(join(draft, SETTINGS), settings, { mode: 0o600 });
    for (const [camera, line] of credentials)
      await writeFileAtomic(join(draft, `${camera}.credentials`), line, { mode: 0o600 });
  }

  /** A version as it came, with its signature; null where there is none. */
  async signed(version: number): Promise<Uint8Array | null> {
    return readFile(join(this.#folder(version), SIGNED)).then(
      (bytes) => Uint8Array.from(bytes),
      () => null,
    );
  }

  /** Adds the signature to a version that an earlier version of the program kept without; does nothing where it is there, or the version is not. */
  async keepSigned(version: number, wire: Uint8Array): Promise<void> {
    const folder = this.#folder(version);
    if (!(await this.#versions()).includes(version) || (await this.signed(version)) !== null) return;
    await writeFileAtomic(join(folder, SIGNED), wire, { mode: 0o600 });
  }

  /** Whether what lies on the disk of a version is what was signed. */
  async agrees({ version, settings, credentials }: CheckedVersion): Promise<boolean> {
    const read = (name: string) => readFile(join(this.#folder(version), name), 'utf8').catch(() => null);
    if ((await read(SETTINGS)) !== settings) return false;
    for (const [camera, line] of credentials)
      if ((await read(`${camera}.credentials`)) !== line) return false;
    return true;
  }

  /**
   * The settings of a version; files that they name are those of its folder.
   *
   * @param data what other relative paths in it are relative to
   * @throws BlindsightError CONFIG_INVALID, or an Error of the file system, where it is not there or damaged
   */
  async read(version: number, data: string): Promise<PushedSettings> {
    const file = join(this.#folder(version), SETTINGS);
    const { value } = validateConfig(await readFile(file, 'utf8'), PushedSettings, file);
    const { tokenFile } = value.preview;
    return {
      ...value,
      preview: { ...value.preview, ...(tokenFile !== undefined && { tokenFile: resolve(data, tokenFile) }) },
      cameras: value.cameras.map(({ credentials, ...camera }) => ({
        ...camera,
        ...(credentials !== undefined && {
          credentials: join(this.#folder(version), `${camera.name}.credentials`),
        }),
      })),
    };
  }

  /** The highest version on disk; 0 where there is none. */
  async highest(): Promise<number> {
    return Math.max(0, ...(await this.#versions()));
  }

  /** Deletes every version but these, and what a power cut left half written. */
  async keep(versions: readonly number[]): Promise<void> {
    for (const name of await this.#names())
      if (name.startsWith('.') || (NUMBER.test(name) && !versions.includes(Number(name))))
        await rm(join(this.#directory, name), { recursive: true, force: true });
  }

  async #versions(): Promise<number[]> {
    return (await this.#names()).filter((name) => NUMBER.test(name)).map(Number);
  }

  #names(): Promise<string[]> {
    return readdir(this.#directory).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
  }

  #folder(version: number): string {
    return join(this.#directory, String(version));
  }
}
