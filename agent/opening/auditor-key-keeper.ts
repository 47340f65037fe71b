import type { KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  auditorPublicKey,
  type DecodedAuditorKey,
  decodeAuditorKey,
  verifyAuditorKey,
} from '#protocol/auditor-key.ts';
import { BlindsightError } from '#protocol/errors.ts';
import type { Clock } from '#runtime/clock.ts';
import { writeFileAtomic } from '#runtime/files.ts';
import type { Logger } from '#runtime/log.ts';
import { RareLines } from '#runtime/rare-lines.ts';

export type AuditorKeyOptions = {
  readonly site: string;
  /** Where the newest is kept. */
  readonly path: string;
  /** Keys that the owner signs with now; each is as good as the others. */
  readonly ownerKeys: () => readonly KeyObject[];
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly log: Logger;
};

type Believed = { readonly decoded: DecodedAuditorKey; readonly wire: Uint8Array; readonly key: KeyObject };

/** To whom openings are sealed: the newest key that the owner signed, kept over restarts and checked again at each. */
export class AuditorKeyKeeper {
  readonly #options: AuditorKeyOptions;
  readonly #lines: RareLines;
  #believed: Believed | null = null;
  /** The last that was refused: the owner's keys may change behind it. */
  #refused: Uint8Array | null = null;
  #work: Promise<void> = Promise.resolve();

  private constructor(options: AuditorKeyOptions) {
    this.#options = options;
    this.#lines = new RareLines(options.clock);
  }

  static async open(options: AuditorKeyOptions): Promise<AuditorKeyKeeper> {
    const keeper = new AuditorKeyKeeper(options);
    const wire = await readFile(options.path).catch(() => null);
    if (wire === null) return keeper;
    try {
      keeper.#believed = keeper.#check(Uint8Array.from(wire));
    } catch (error) {
      options.log.warn({ err: error }, 'the key of the auditor on this disk does not count');
    }
    return keeper;
  }

  /** X25519; null while none is known. */
  get key(): KeyObject | null {
    return this.#believed?.key ?? null;
  }

  /** What came on `auditor`; an empty message changes nothing. Resolves when it is kept, or refused. */
  receive(wire: Uint8Array): Promise<void> {
    if (wire.length === 0) return this.#work;
    const own = Uint8Array.from(wire);
    this.#work = this.#work.then(() => this.#receive(own));
    return this.#work;
  }

  /** The owner signs with other keys: what was believed may count no longer, and what was refused may. */
  trustChanged(): Promise<void> {
    this.#work = this.#work.then(async () => {
      const refused = this.#refused;
      if (this.#believed !== null && !this.#isSigned(this.#believed.decoded)) this.#believed = null;
      if (refused !== null) await this.#receive(refused);
    });
    return this.#work;
  }

  async #receive(wire: Uint8Array): Promise<void> {
    const { path, log } = this.#options;
    try {
      const known = this.#believed;
      if (known !== null && Buffer.compare(known.wire, wire) === 0) return;
      const believed = this.#check(wire);
      const { number } = believed.decoded.auditor;
      const before = known?.decoded.auditor.number;
      if (before !== undefined && number <= before)
        throw invalid(`auditor key ${number} came after auditor key ${before}`);
      this.#believed = believed;
      this.#refused = null;
      await writeFileAtomic(path, wire, { mode: 0o600 }).catch((err: unknown) =>
        log.warn({ err }, 'the key of the auditor cannot be kept; it counts until the next start'),
      );
    } catch (error) {
      if (wire.length <= MAX_REFUSED_BYTES) this.#refused = wire;
      const count = this.#lines.take('refused');
      const { code, message } = error instanceof BlindsightError ? error : invalid(String(error));
      if (count > 0) log.warn({ code, count }, `a key of an auditor was refused: ${message}`);
    }
  }

  /** @throws BlindsightError AUDITOR_KEY_INVALID */
  #check(wire: Uint8Array): Believed {
    const { site } = this.#options;
    const decoded = decodeAuditorKey(wire);
    const { auditor } = decoded;
    if (!this.#isSigned(decoded)) throw invalid('an auditor key was not signed by the owner of this site');
    if (auditor.site !== site) throw invalid(`an auditor key is for site ${auditor.site}, this is ${site}`);
    return { decoded, wire, key: auditorPublicKey(auditor) };
  }

  #isSigned(decoded: DecodedAuditorKey): boolean {
    return this.#options.ownerKeys().some((key) => verifyAuditorKey(decoded, key));
  }
}

/** Of a message that may be tried again. */
const MAX_REFUSED_BYTES = 1024;

const invalid = (message: string) => new BlindsightError('AUDITOR_KEY_INVALID', message);
