import {
  createEngineInterpreter,
  decodeProgram,
  FheError,
  type InterpreterMaterial,
  type Program,
  type SharingInterpreter,
  type VerifiedProgram,
  verifyProgram,
} from '#fhe';
import { BlindsightError } from '#protocol/errors.ts';
import type { BundlePart, BundlePartName } from '#protocol/manifest.ts';
import type { HashedFile } from '#runtime/hashed-file.ts';
import { machineMemory } from '#runtime/machine-memory.ts';
import { BlobFolder } from '../store/blob-folder.ts';

/** A network of some release, ready to run. */
export type OpenProgram = {
  readonly program: Program;
  readonly verified: VerifiedProgram;
  readonly interpreter: SharingInterpreter;
};
type Held = OpenProgram & { readonly bytes: number };

/** Parts of bundles whose interpreters are open at once; one is always. */
const MAX_BYTES = 256 * 2 ** 20;
/** Audits take what decryption leaves. */
const THREADS = 1;

/** Of the machine's memory, for one of them: decryption, and whoever else runs there, have the rest. */
const MEMORY_SHARE = 0.5;

/** Interpreters of the networks that are audited: the least recently used are closed first. */
export class OpenPrograms {
  readonly #folder: BlobFolder;
  readonly #directory: string;
  readonly #memoryBytes: number;
  readonly #open = new Map<string, Held>();
  readonly #maxBytes: number;

  /**
   * @param folder parts of bundles, named by their digests; what of a network does not fit into memory is read from a file there
   * @param memoryBytes that one of them may have
   */
  constructor(folder: string, maxBytes = MAX_BYTES, memoryBytes = MEMORY_SHARE * machineMemory()) {
    this.#folder = new BlobFolder(folder);
    this.#directory = folder;
    this.#maxBytes = maxBytes;
    this.#memoryBytes = memoryBytes;
  }

  /** How many interpreters are open. */
  get size(): number {
    return this.#open.size;
  }

  /**
   * @param parts as the signed manifest lists them
   * @throws BlindsightError BUNDLE_DAMAGED where a part on the disk is not the one of the manifest; whatever the engine throws
   */
  async get(parts: readonly BundlePart[]): Promise<OpenProgram> {
    const needed = parts.filter(({ name }) => name !== 'self-test');
    // Gateways that share a network have different manifests, and the same parts.
    const key = needed.map(({ sha256 }) => sha256).join();
    const bytes = needed.reduce((sum, part) => sum + part.bytes, 0);
    const held = this.#open.get(key);
    this.#open.delete(key);
    if (held === undefined) await this.#makeRoom(bytes);
    const program = held ?? { ...(await this.#load(parts)), bytes };
    this.#open.set(key, program);
    return program;
  }

  async #makeRoom(bytes: number): Promise<void> {
    const total = () => [...this.#open.values()].reduce((sum, held) => sum + held.bytes, 0);
    for (const [key, { interpreter }] of this.#open) {
      if (total() + bytes <= this.#maxBytes) return;
      this.#open.delete(key);
      await interpreter.close();
    }
  }

  async #load(parts: readonly BundlePart[]): Promise<OpenProgram> {
    const verified = verifyProgram(decodeProgram(await this.#read(parts, 'program')));
    const publicKey = await this.#read(parts, 'public-key');
    const opened: { readonly file: HashedFile; readonly sha256: string }[] = [];
    const open = (name: BundlePartName): HashedFile => {
      const { sha256, bytes } = partOf(parts, name);
      const file = this.#folder.open(sha256, name, bytes);
      opened.push({ file, sha256 });
      return file;
    };
    const finish = () => {
      for (const { file, sha256 } of opened) file.finish(sha256);
    };
    try {
      const material = { constants: open('constants'), evaluationKeys: open('evaluation-keys') };
      const interpreter = await this.#create({ program: verified, publicKey, ...material }, finish);
      return { program: verified.program, verified, interpreter };
    } catch (error) {
      const isFile = error instanceof BlindsightError && ['BUNDLE_DIGEST', 'FHE_DISK'].includes(error.code);
      throw isFile ? new BlindsightError('BUNDLE_DAMAGED', error.message, { cause: error }) : error;
    } finally {
      for (const { file } of opened) file.close();
    }
  }

  /** @param finish throws where what was read is not what the manifest says */
  async #create(material: InterpreterMaterial, finish: () => void): Promise<SharingInterpreter> {
    const options = { threads: THREADS, folder: this.#directory, memoryBytes: this.#memoryBytes };
    const interpreter = await createEngineInterpreter(material, options).catch((error: unknown) => {
      // That bytes are not the owner's is said before what is wrong with them.
      if (error instanceof FheError && error.code === 'FHE_FORMAT') finish();
      throw error;
    });
    try {
      finish();
      return interpreter;
    } catch (error) {
      await interpreter.close();
      throw error;
    }
  }

  async #read(parts: readonly BundlePart[], name: BundlePartName): Promise<Uint8Array> {
    return this.#folder.get(partOf(parts, name).sha256);
  }
}

function partOf(parts: readonly BundlePart[], name: BundlePartName): BundlePart {
  const part = parts.find((candidate) => candidate.name === name);
  if (part === undefined) throw new BlindsightError('BUNDLE_DAMAGED', `the bundle has no part ${name}`);
  return part;
}
