import { hash, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BlindsightError } from '#protocol/errors.ts';
import { decodeSoftware, type SoftwareManifest, softwareDigest, verifySoftware } from '#protocol/software.ts';
import { CONTENTS_FILE, parseContents, type SoftwareContents } from '#protocol/software-contents.ts';
import { ensureDirectory, syncFolder, writeFileAtomic } from '#runtime/files.ts';
import { EMPTY_STATE, type Place, SLOTS, type Slot, type SoftwareState } from './software-state.ts';

/** What the signed form of a release is called behind its digest. */
const RELEASE = '.release';
const PROVEN = 'proven';

/**
 * The two slots on disk, each with the signed release, its unpacked program, and a mark once that has proved itself. Whose signature counts is asked
 * again at each start.
 */
export class Slots {
  readonly folder: string;
  readonly #ownerKeys: () => readonly KeyObject[];

  constructor(folder: string, ownerKeys: () => readonly KeyObject[]) {
    this.folder = folder;
    this.#ownerKeys = ownerKeys;
  }

  program(slot: Slot): string {
    return join(this.folder, slot, 'program');
  }

  /** Empties a slot, which must not be one that is started, and returns the folder for its program. */
  async begin(slot: Slot): Promise<string> {
    await this.remove(slot);
    await ensureDirectory(this.program(slot), 0o755);
    return this.program(slot);
  }

  /** Completes a slot: the release whose program is there. A program may have several releases, of which the state names one. */
  async finish(slot: Slot, wire: Uint8Array): Promise<void> {
    await writeFileAtomic(join(this.folder, slot, softwareDigest(wire) + RELEASE), wire);
    await syncFolder(this.folder);
  }

  /** Removes releases of the same program but the one that the state names. */
  async keepRelease({ slot, digest }: Place): Promise<void> {
    for (const name of await this.#names(slot))
      if (name.endsWith(RELEASE) && name !== digest + RELEASE) await rm(join(this.folder, slot, name));
  }

  async markProven(slot: Slot): Promise<void> {
    await writeFileAtomic(join(this.folder, slot, PROVEN), '');
  }

  async remove(slot: Slot): Promise<void> {
    // What says that it is whole goes first.
    for (const name of await this.#names(slot))
      if (name !== 'program') await rm(join(this.folder, slot, name), { force: true });
    await rm(join(this.folder, slot), { recursive: true, force: true });
  }

  /**
   * Whether a program may be started: its release is signed by the owner, and each of its files is there with its digest, and no other.
   *
   * @throws BlindsightError SOFTWARE_DAMAGED, SOFTWARE_SIGNATURE
   */
  async check(place: Place): Promise<void> {
    const { slot } = place;
    await checkFiles(slot, this.program(slot), await this.release(place));
  }

  /** The release of a slot, checked like its program. */
  async release({ slot, digest }: Place): Promise<SoftwareManifest> {
    const wire = await readFile(join(this.folder, slot, digest + RELEASE)).catch(() => null);
    if (wire === null || softwareDigest(wire) !== digest) throw damaged(slot, 'its release is not there');
    const decoded = decodeSoftware(wire);
    if (!this.#ownerKeys().some((key) => verifySoftware(decoded, key)))
      throw new BlindsightError(
        'SOFTWARE_SIGNATURE',
        `the release in slot ${slot} is not signed by the owner`,
      );
    return decoded.manifest;
  }

  /** SHA-256, hex, of the list of files in a slot, or null: what a release names. The files are checked at each start. */
  async contentsOf(slot: Slot): Promise<string | null> {
    const list = await readFile(join(this.program(slot), CONTENTS_FILE)).catch(() => null);
    return list && sha256(list);
  }

  /**
   * What the slots themselves tell, for the day on which a disk lost the state file: of the programs that proved themselves and are whole, the newest
   * becomes active. No counter below one that was seen is taken again.
   */
  async recover(): Promise<SoftwareState> {
    const found: { readonly place: Place; readonly counter: number; readonly isGood: boolean }[] = [];
    for (const slot of SLOTS) {
      const names = await this.#names(slot);
      for (const name of names.filter((candidate) => candidate.endsWith(RELEASE))) {
        const place: Place = { slot, digest: name.slice(0, -RELEASE.length) };
        const release = await this.release(place).catch(() => null);
        if (release === null) continue;
        const isWhole = () =>
          this.check(place).then(
            () => true,
            () => false,
          );
        found.push({ place, counter: release.counter, isGood: names.includes(PROVEN) && (await isWhole()) });
      }
    }
    found.sort((a, b) => b.counter - a.counter);
    const [active, ...others] = found.filter(({ isGood }) => isGood);
    const previous = others.find(({ place }) => place.slot !== active?.place.slot);
    const message = 'the state of updates is damaged; it is taken from what is in the slots';
    return {
      ...EMPTY_STATE,
      counter: found[0]?.counter ?? 0,
      counterOf: found[0]?.place.digest ?? null,
      active: active?.place ?? null,
      previous: previous?.place ?? null,
      news: { code: 'SOFTWARE_DAMAGED', message },
    };
  }

  async #names(slot: Slot): Promise<string[]> {
    return await readdir(join(this.folder, slot)).catch(() => []);
  }
}

async function checkFiles(slot: Slot, program: string, manifest: SoftwareManifest): Promise<void> {
  const list = await readFile(join(program, CONTENTS_FILE)).catch(() => null);
  if (list === null || sha256(list) !== manifest.contents)
    throw damaged(slot, `${CONTENTS_FILE} has changed`);
  const { files }: SoftwareContents = parseContents(list);
  let seen = 0;
  for (const entry of await readdir(program, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) continue;
    const path = join(entry.parentPath, entry.name).slice(program.length + 1);
    if (path === CONTENTS_FILE) continue;
    const file = Object.hasOwn(files, path) ? files[path] : undefined;
    if (!entry.isFile() || file === undefined) throw damaged(slot, `${path} does not belong there`);
    // One after the other and not in a thread: there is nothing else to do before the program starts.
    if (sha256(read(slot, program, path)) !== file.sha256) throw damaged(slot, `${path} has changed`);
    seen++;
  }
  if (seen !== Object.keys(files).length) throw damaged(slot, 'files are missing');
}

function read(slot: Slot, program: string, path: string): Uint8Array {
  try {
    return readFileSync(join(program, path));
  } catch (error) {
    throw damaged(slot, `${path} cannot be read: ${(error as Error).message}`);
  }
}

function sha256(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex');
}

function damaged(slot: Slot, why: string): BlindsightError {
  return new BlindsightError('SOFTWARE_DAMAGED', `the program in slot ${slot} is damaged: ${why}`);
}
