import { createEngineInterpreter, decodeProgram, type Interpreter, type Program, verifyProgram } from '#fhe';
import { BlindsightError } from '#protocol/errors.ts';
import type { BundlePart, BundlePartName } from '#protocol/manifest.ts';
import { BlobFolder } from '../store/blob-folder.ts';

/** A network of some release, ready to run. */
export type OpenProgram = { readonly program: Program; readonly interpreter: Interpreter };
type Held = OpenProgram & { readonly bytes: number };

/** Parts of bundles whose interpreters are open at once; one is always. */
const MAX_BYTES = 256 * 2 ** 20;
/** Audits take what decryption leaves. */
const THREADS = 1;

/** Interpreters of the networks that are audited: the least recently used are closed first. */
export class OpenPrograms {
  readonly #folder: BlobFolder;
  readonly #open = new Map<string, Held>();
  readonly #maxBytes: number;

  /** @param folder parts of bundles, named by their digests */
  constructor(folder: string, maxBytes = MAX_BYTES) {
    this.#folder = new BlobFolder(folder);
    this.#maxBytes = maxBytes;
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
    const material = {
      program: verified,
      publicKey: await this.#read(parts, 'public-key'),
      constants: await this.#read(parts, 'constants'),
      evaluationKeys: await this.#read(parts, 'evaluation-keys'),
    };
    const interpreter = await createEngineInterpreter(material, { threads: THREADS });
    return { program: verified.program, interpreter };
  }

  async #read(parts: readonly BundlePart[], name: BundlePartName): Promise<Uint8Array> {
    const part = parts.find((candidate) => candidate.name === name);
    if (part === undefined) throw new BlindsightError('BUNDLE_DAMAGED', `the bundle has no part ${name}`);
    return this.#folder.get(part.sha256);
  }
}
