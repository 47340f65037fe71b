import { createCipheriv, randomBytes } from 'node:crypto';
import type { PublicKey } from '../../ckks/serialization.ts';
import { FheError } from '../../errors.ts';
import { bitReverse } from '../../ring/bit-reverse.ts';
import { invMod, mulMod } from '../../ring/modular.ts';
import type { Address } from '../memory/arena.ts';
import { shoupCompanion } from '../memory/tables.ts';
import { type Group, Op, type TapeRecorder } from '../tape/tape.ts';
import type { Block, EngineContext } from './context.ts';

/** What is encrypted: for each slot the index of a value of the picture, or −1 for zero. */
export type EncryptionInput = { readonly level: number; readonly scale: number; readonly slots: Int32Array };

/** Where a recorded encryption reads: addresses in the engine's memory, the same in every thread. */
export type EncryptionPlace = {
  readonly values: Address;
  readonly valueCount: number;
  /** Random words; they and everything derived from them are wiped after every picture. */
  readonly random: Address;
  readonly randomBytes: number;
};

/** Random words of one encryption, in multiples of the ring degree: one for u, two for each error. */
const RANDOM_WORDS = 5;
/** Of the stream cipher's key. */
const SEED_BYTES = 32;

/**
 * Public-key encryption, recorded once and run for every picture.
 *
 * Zero is encrypted modulo q₀ … q_level · P₀ and divided by P₀ as in SEAL, so the noise is that of rounding. Randomness:
 * AES-256-CTR under a key that is freshly drawn for every picture, here or by the caller.
 */
export class Encryptor {
  readonly #engine: EngineContext;
  readonly #key: Block;
  readonly #top: number;
  readonly #constants = new Map<number, Address>();

  /** @throws FheError FHE_PARAMETERS if there is no special prime. */
  constructor(engine: EngineContext, publicKey: PublicKey) {
    if (engine.specials === 0) throw new FheError('FHE_PARAMETERS', 'encryption needs a special prime');
    this.#engine = engine;
    const { length } = engine.parameters.moduli;
    this.#top = length;
    this.#key = engine.allocate(2, length - 1, true);
    engine.write(this.#key, publicKey.residues);
    engine.runOnce((tape) => this.#prepareKey(tape));
  }

  /** The key in Montgomery form and, on the data primes, divided by P₀. */
  #prepareKey(tape: TapeRecorder): void {
    const engine = this.#engine;
    const special = engine.primes[this.#top]!;
    for (const position of engine.positions(this.#top - 1, true)) {
      const q = engine.primes[position]!;
      const one = 2 ** 32 % q;
      const factor = position < this.#top ? mulMod(one, invMod(special % q, q), q) : one;
      for (const component of [0, 1]) {
        const at = engine.limb(this.#key, component, position);
        tape.task(Op.scale, [at, at, factor, shoupCompanion(factor, q), engine.prime(position)]);
      }
    }
  }

  /**
   * Records the encryption of one picture into several ciphertexts.
   *
   * @param valueCount values of the picture.
   * @returns where {@link supplyPicture} writes before each run
   */
  record(
    tape: TapeRecorder,
    inputs: readonly EncryptionInput[],
    outs: readonly Block[],
    valueCount: number,
  ): EncryptionPlace {
    const engine = this.#engine;
    const { ringDegree } = engine.parameters;
    const values = engine.arena.allocate(valueCount * 4);
    const randomBytes = inputs.length * RANDOM_WORDS * engine.limbBytes;
    // For each input: u, e₀, e₁, the two top limbs, u in NTT form for every prime, and the message in float64.
    const each = inputs.map(({ level }) => (3 + 2 + level + 2 + 2) * engine.limbBytes);
    const bytes = randomBytes + each.reduce((sum, size) => sum + size, 0);
    const address = engine.arena.allocate(bytes);
    let room = address + randomBytes;
    inputs.forEach((input, i) => {
      const words = address + i * RANDOM_WORDS * engine.limbBytes;
      this.#recordOne(tape, input, outs[i]!, { values, words, room, degree: ringDegree });
      room += each[i]!;
    });
    tape.barrier();
    for (let at = 0; at < bytes; at += engine.limbBytes) {
      tape.task(Op.clear, [address + at, Math.min(engine.limbBytes, bytes - at)]);
    }
    tape.task(Op.clear, [values, valueCount * 4]);
    return { values, valueCount, random: address, randomBytes };
  }

  #recordOne(
    tape: TapeRecorder,
    { level, scale, slots }: EncryptionInput,
    out: Block,
    { values, words: random, room, degree }: OnePlace,
  ): void {
    const engine = this.#engine;
    const { limbBytes } = engine;
    const [u, e0, e1, t0, t1] = [0, 1, 2, 3, 4].map((i) => room + i * limbBytes) as [
      number,
      number,
      number,
      number,
      number,
    ];
    const transformed = room + 5 * limbBytes;
    const message = transformed + (level + 2) * limbBytes;
    const special = engine.primes[this.#top]!;
    const sampled = tape.group();
    tape.task(Op.sampleTernary, [u, random, degree], { group: sampled });
    tape.task(Op.sampleError, [e0, random + limbBytes, degree], { group: sampled });
    tape.task(Op.sampleError, [e1, random + 3 * limbBytes, degree], { group: sampled });

    const topReady = tape.group();
    const topU = transformed + (level + 1) * limbBytes;
    const transformedTop = tape.group();
    const topPrime = engine.prime(this.#top);
    tape.task(Op.forwardSmall, [topU, u, topPrime], { after: [sampled], group: transformedTop });
    this.#recordMessage(tape, { message, values }, slots, scale, topReady);
    const dataReady = tape.group();
    for (let position = 0; position <= level; position++) {
      const to = transformed + position * limbBytes;
      tape.task(Op.forwardSmall, [to, u, engine.prime(position)], { after: [sampled], group: dataReady });
    }
    for (const [component, t, e] of [
      [0, t0, e0],
      [1, t1, e1],
    ] as const) {
      const key = engine.limb(this.#key, component, this.#top);
      tape.task(Op.encryptTop, [t, topU, key, e, (special - 1) / 2, topPrime], {
        after: [transformedTop],
        group: topReady,
      });
    }
    for (let position = 0; position <= level; position++) {
      for (const [component, t, e, m] of [
        [0, t0, e0, message],
        [1, t1, e1, 0],
      ] as const) {
        const args = [
          engine.limb(out, component, position),
          transformed + position * limbBytes,
          engine.limb(this.#key, component, position),
          t,
          e,
          m,
          this.#limbConstants(position),
          engine.prime(position),
        ];
        tape.task(Op.encryptLimb, args, { after: [topReady, dataReady] });
      }
    }
  }

  #recordMessage(
    tape: TapeRecorder,
    { message, values }: { readonly message: Address; readonly values: Address },
    slots: Int32Array,
    scale: number,
    group: Group,
  ): void {
    const engine = this.#engine;
    const map = engine.arena.place(placeMap(slots, engine.parameters.ringDegree));
    const factor = engine.arena.placeDoubles(Float64Array.of(scale / slots.length));
    const args = [message, map, values, engine.tables.fourier(), factor, engine.tables.logDegree];
    tape.task(Op.encode, args, { group });
  }

  /** Constants of the kernel's `encryptLimb`. */
  #limbConstants(position: number): Address {
    const known = this.#constants.get(position);
    if (known !== undefined) return known;
    const q = this.#engine.primes[position]!;
    const special = this.#engine.primes[this.#top]!;
    const lift = q * Math.ceil((2 ** 29 + 64) / q);
    const inverse = invMod(special % q, q);
    const address = this.#engine.arena.place([
      (lift - (special - 1) / 2) >>> 0,
      inverse,
      shoupCompanion(inverse, q),
    ]);
    this.#constants.set(position, address);
    return address;
  }
}

/** Of one ciphertext: the picture, its random words, and room for what is derived from them. */
type OnePlace = {
  readonly values: Address;
  readonly words: Address;
  readonly room: Address;
  readonly degree: number;
};

/**
 * Writes a picture and randomness where the tasks of a recorded encryption read them.
 *
 * @param values a prepared picture; checked by the caller.
 * @param seed key of the randomness, 32 bytes; fresh where left out.
 * @throws FheError FHE_STATE for another number of values, FHE_RANGE for a seed of another length
 */
export function supplyPicture(
  { buffer }: WebAssembly.Memory,
  place: EncryptionPlace,
  values: Float32Array,
  seed?: Uint8Array,
): void {
  if (values.length !== place.valueCount) {
    throw new FheError('FHE_STATE', `${values.length} values: expected ${place.valueCount}`);
  }
  if (seed !== undefined && seed.length !== SEED_BYTES) {
    throw new FheError('FHE_RANGE', `a seed of ${seed.length} bytes: expected ${SEED_BYTES}`);
  }
  new Float32Array(buffer, place.values, values.length).set(values);
  fillRandom(new Uint8Array(buffer, place.random, place.randomBytes), seed);
}

/** Zeros for the stream cipher, so that its output is the keystream. */
const zeros = Buffer.alloc(65_536);

/** AES-256-CTR keystream under the seed, or under a fresh key of the operating system's generator. */
function fillRandom(target: Uint8Array, seed?: Uint8Array): void {
  const key = seed === undefined ? randomBytes(SEED_BYTES) : Buffer.from(seed);
  const stream = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
  for (let at = 0; at < target.length; at += zeros.length) {
    const part = stream.update(zeros.subarray(0, Math.min(zeros.length, target.length - at)));
    target.set(part, at);
    part.fill(0);
  }
  key.fill(0);
}

/**
 * For each leaf of the splitting tree of X^(N/2) − i, the index of its slot's value. Slot i has the exponent 3^i or, as values are real,
 * its conjugate 2N − 3^i: whichever is 1 modulo 4. Leaf p has the exponent 2·bitreverse(p) + 1.
 */
export function placeMap(slots: Int32Array, degree: number): Int32Array {
  const map = new Int32Array(degree / 2).fill(-1);
  const bits = Math.log2(degree);
  for (let i = 0, exponent = 1; i < slots.length; i++, exponent = (exponent * 3) % (2 * degree)) {
    const at = exponent % 4 === 1 ? exponent : 2 * degree - exponent;
    map[bitReverse((at - 1) / 2, bits)] = slots[i]!;
  }
  return map;
}
