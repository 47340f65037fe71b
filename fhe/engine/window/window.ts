import { FheError } from '../../errors.ts';
import type { Address, Arena } from '../memory/arena.ts';
import { counterOf, type Group, type Outside, type RecordedTape } from '../tape/tape.ts';
import { MOST_CHUNKS, WindowControl } from './window-control.ts';

/** Material for one prime that is not in memory: it comes through the window. */
export type StreamedPart = {
  /** Which constant or key. */
  readonly item: number;
  readonly position: number;
  readonly bytes: number;
};

/** A part in memory, or one that comes through the window. */
export type Part = Address | StreamedPart;

/** Parts for the tasks of one group: where they are when `outside` is met. */
export type Supplied = {
  readonly addresses: readonly Address[];
  /** Null where nothing has to be read. */
  readonly outside: Outside | null;
  /** All tasks that use the parts are in this group, which was recorded completely. */
  used(group: Group): void;
};

/** A part in the file behind a window. */
export type FilePart = StreamedPart & { readonly offset: number };

/** What is read for the tasks of one group, in one piece of the window. */
type Chunk = {
  readonly address: Address;
  readonly bytes: number;
  /** The latest chunk that was in this piece before; −1 for none. */
  readonly after: number;
  /** Indices into the parts of the file. */
  readonly parts: readonly number[];
  group: Group | null;
};

/** What a reader does in a run: chunk after chunk, each of so many parts of the file, one behind the other. */
export type WindowPlan = {
  readonly control: Address;
  readonly parts: readonly FilePart[];
  readonly fileBytes: number;
  readonly chunks: readonly {
    readonly address: Address;
    readonly after: number;
    readonly parts: readonly number[];
    /** Raised by the tasks that use the chunk, and its value when the last of them is done. */
    readonly counter: Address;
    readonly uses: number;
  }[];
};

const ALIGNMENT = 64;

/**
 * Memory that material from disk passes through while a tape runs. As a tape knows the order in which it uses its material, so does whoever
 * reads it: a piece of the window is filled before its tasks wait for it, and used again when they are done. Which piece each part comes
 * to is fixed when the tape is recorded; pieces follow each other as in a ring.
 */
export class Window {
  readonly #start: Address;
  readonly #bytes: number;
  readonly #control: Address;
  readonly #chunks: Chunk[] = [];
  readonly #parts: FilePart[] = [];
  /** By item and position. */
  readonly #known = new Map<string, number>();
  #head = 0;
  /** First chunk that has not been overwritten yet. */
  #oldest = 0;
  #fileBytes = 0;
  #largest = 0;

  constructor(arena: Arena, bytes: number) {
    this.#bytes = Math.floor(bytes / ALIGNMENT) * ALIGNMENT;
    this.#start = arena.allocate(this.#bytes);
    this.#control = arena.allocate(WindowControl.bytes);
  }

  get address(): Address {
    return this.#start;
  }

  /** Bytes of the largest chunk: the window must have as many. */
  get largestBytes(): number {
    return this.#largest;
  }

  /** @returns false where the window was too small for a chunk: addresses are then worthless, {@link largestBytes} says what it takes. */
  get suffices(): boolean {
    return this.#largest <= this.#bytes;
  }

  /** Makes room for parts; those given twice are read once. */
  take(parts: readonly Part[]): Supplied {
    const own = new Map<number, Address>();
    let bytes = 0;
    const places = parts.map((part) => {
      if (typeof part === 'number') return part;
      const index = this.#index(part);
      if (!own.has(index)) {
        own.set(index, bytes);
        bytes += part.bytes;
      }
      return { offset: own.get(index)! };
    });
    if (own.size === 0)
      return { addresses: parts as readonly Address[], outside: null, used: () => undefined };
    const chunk = this.#open(bytes, [...own.keys()]);
    return {
      addresses: places.map((place) => (typeof place === 'number' ? place : chunk.address + place.offset)),
      outside: { address: this.#control + WindowControl.filled * 4, value: this.#chunks.length },
      used: (group) => {
        chunk.group = group;
      },
    };
  }

  #index(part: StreamedPart): number {
    const name = `${part.item}/${part.position}`;
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const index = this.#parts.length;
    this.#parts.push({ ...part, offset: this.#fileBytes });
    this.#known.set(name, index);
    this.#fileBytes += part.bytes;
    return index;
  }

  #open(bytes: number, parts: readonly number[]): Chunk {
    const size = Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
    this.#largest = Math.max(this.#largest, size);
    const wraps = this.#head + size > this.#bytes;
    const from = wraps ? 0 : this.#head;
    const address = this.#start + from;
    // What lies between the old head and the end stays unused in this round; chunks there are overwritten in order all the same.
    const overwritten = (chunk: Chunk): boolean => {
      const at = chunk.address - this.#start;
      if (wraps && at >= this.#head) return true;
      return at < from + size && at + chunk.bytes > from;
    };
    while (this.#oldest < this.#chunks.length && overwritten(this.#chunks[this.#oldest]!)) this.#oldest++;
    const chunk: Chunk = { address, bytes: size, after: this.#oldest - 1, parts, group: null };
    this.#chunks.push(chunk);
    this.#head = from + size;
    return chunk;
  }

  /** @returns what to read; null if nothing comes through the window. @throws FheError FHE_TOO_LARGE for more than a million chunks. */
  plan(tape: RecordedTape): WindowPlan | null {
    const { length } = this.#chunks;
    if (length === 0) return null;
    if (length > MOST_CHUNKS) {
      throw new FheError('FHE_TOO_LARGE', `material is read in ${length} pieces: at most ${MOST_CHUNKS}`);
    }
    return {
      control: this.#control,
      parts: this.#parts,
      fileBytes: this.#fileBytes,
      chunks: this.#chunks.map(({ address, after, parts, group }) => ({
        ...{ address, after, parts },
        counter: counterOf(tape, group!),
        uses: group!.count,
      })),
    };
  }
}
