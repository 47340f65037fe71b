import type { CKKSEncoder, Plaintext as SealPlaintext } from 'node-seal/throws';
import { createAnswerForm } from '../ckks/answer.ts';
import type { Ciphertext } from '../ckks/ciphertext.ts';
import { checkParameters, type Parameters, type ParametersLiteral } from '../ckks/parameters.ts';
import { FheError } from '../errors.ts';
import { answerPlaces } from '../program/answer-places.ts';
import { type RegisterType, SCALE_TOLERANCE, type VerifiedProgram } from '../program/verifier.ts';
import { createRing, type Ring } from '../ring/ring.ts';
import { openSealContext, type SealContext } from '../seal/context.ts';
import { saveSeal, toSealCiphertext } from '../seal/convert.ts';
import { readSealPlaintext } from '../seal/format.ts';
import { guardSeal, loadSeal, type Seal, SealScope } from '../seal/runtime.ts';
import { keyBytes } from './key-bytes.ts';
import type { OwnerKeys } from './owner-keys.ts';
import { placeReader } from './place-reader.ts';
import { toSealSecretKey } from './seal-secret.ts';
import { decodeSecretKey } from './secret-key.ts';

/** Decrypts answers of one program. The result must not leave the decryptor unrounded: see `interpretSlots`. */
export type Decryptor = {
  /** About what its key takes in memory. */
  readonly bytes: number;
  /**
   * All slots of a serialized ciphertext.
   *
   * @throws FheError FHE_FORMAT if the bytes are not a ciphertext, or not of the level, scale and size of the program's answer; then no
   * key has been used. FHE_STATE for whatever SEAL refuses of such a ciphertext all the same, FHE_WORKER where SEAL has to be started again: then
   * nothing is said about the bytes.
   */
  decrypt(ciphertext: Uint8Array): Float64Array;
  /**
   * The same of a ciphertext in which several answers of the program are gathered: the slots of each place, as far as an answer does not repeat itself, then the imaginary parts of these slots, which are zero in an answer.
   *
   * @throws as {@link decrypt}
   */
  decryptGathered(ciphertext: Uint8Array): Float64Array[];
  /** Answers of the program that have room in one ciphertext. */
  readonly places: number;
  /** Forgets the key. */
  close(): void;
};

/**
 * Makes a decryptor, using SEAL.
 *
 * For a program it decrypts only what looks like the answer of that program (level, scale, size and ring); for bare parameters, as in
 * tests and tools, any ciphertext.
 *
 * @param load starts SEAL where no other decryptor of this thread has
 */
export async function createDecryptor(
  target: VerifiedProgram | ParametersLiteral,
  keys: Pick<OwnerKeys, 'secretKey' | 'resultSecretKey'>,
  load: () => Promise<Seal> = loadSeal,
): Promise<Decryptor> {
  const expected = 'registers' in target ? answerType(target) : null;
  const parameters = expected?.parameters ?? checkParameters(target as ParametersLiteral);
  const secretKey = expected?.ring === 'result' ? keys.resultSecretKey : keys.secretKey;
  if (secretKey === undefined) {
    throw new FheError(
      'FHE_KEY_MISSING',
      'the answer is in the result ring, but its secret key was not given',
    );
  }
  const secret = decodeSecretKey(parameters, secretKey);
  const levels = new Map<number, Opener>();
  let release = () => {};
  const close = () => {
    secret.fill(0);
    for (const opener of levels.values()) opener.close();
    levels.clear();
    release();
    release = () => {};
  };
  try {
    const shared = await shareSeal(load);
    release = shared.release;
    const { seal } = shared;
    const openerOf = (level: number): Opener => {
      const opener = levels.get(level) ?? openLevel(seal, parameters, level, secret);
      levels.set(level, opener);
      return opener;
    };
    const form = createAnswerForm(parameters, expected?.ring === 'result');
    // All answers of a program have one level: its tables are made now, not while the first answer waits.
    if (expected !== null) openerOf(expected.level);
    const decode = (bytes: Uint8Array): Ciphertext => {
      const ciphertext = form.decode(bytes);
      if (expected !== null) checkType(ciphertext, expected);
      return ciphertext;
    };
    const places = 'registers' in target ? answerPlaces(target) : 1;
    let readPlaces: ReturnType<typeof placeReader> | null = null;
    return {
      bytes: keyBytes(parameters.ringDegree, (expected?.level ?? parameters.maxLevel) + 2),
      places,
      decrypt(bytes) {
        const ciphertext = decode(bytes);
        return afterDecoding(() => openerOf(ciphertext.level).open(ciphertext));
      },
      decryptGathered(bytes) {
        const ciphertext = decode(bytes);
        readPlaces ??= placeReader(parameters, places);
        const residues = afterDecoding(() => openerOf(ciphertext.level).openResidues(ciphertext));
        try {
          return readPlaces(residues, ciphertext.scale);
        } finally {
          residues.fill(0);
        }
      },
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** @throws FheError FHE_FORMAT */
function checkType(ciphertext: Ciphertext, { level, scale, size }: RegisterType): void {
  const sameScale = Math.abs(ciphertext.scale / scale - 1) <= SCALE_TOLERANCE;
  if (ciphertext.level === level && ciphertext.size === size && sameScale) return;
  throw new FheError(
    'FHE_FORMAT',
    `ciphertext of level ${ciphertext.level}, size ${ciphertext.size} and scale ${ciphertext.scale}: the answer has level ${level}, size ${size} and scale ${scale}`,
  );
}

/** The bytes are in order by now: what SEAL says from here on is not about who sent them. */
function afterDecoding<T>(action: () => T): T {
  try {
    return action();
  } catch (cause) {
    if (!(cause instanceof FheError) || cause.code !== 'FHE_FORMAT') throw cause;
    throw new FheError('FHE_STATE', cause.message, { cause });
  }
}

/** SEAL's tools for one level. */
type Opener = {
  open(ciphertext: Ciphertext): Float64Array;
  /** The plaintext's residues in NTT form. */
  openResidues(ciphertext: Ciphertext): Uint32Array;
  close(): void;
};

/**
 * A SEAL context with only the primes of the level: decryption needs no others, and SEAL builds a long chain very slowly (see
 * `SealLevels`). It has a special prime because SEAL reserves the last of several primes for keys.
 */
function openLevel(
  seal: Seal,
  { ringDegree, moduli, specialModuli }: Parameters,
  level: number,
  secret: Int8Array,
): Opener {
  const truncated = checkParameters({
    ringDegree,
    moduli: moduli.slice(0, level + 1),
    specialModuli: specialModuli.slice(0, 1),
  });
  const tables = shareTables(seal, truncated);
  const { bridge, encoder } = tables;
  const scope = new SealScope();
  scope.own({ delete: tables.release });
  const makeDecryptor = () => {
    const key = scope.own(toSealSecretKey(bridge, tables.ring, secret));
    return scope.own(guardSeal('take a key', () => new seal.Decryptor(bridge.context, key)));
  };
  let decryptor: ReturnType<typeof makeDecryptor>;
  try {
    decryptor = makeDecryptor();
  } catch (error) {
    // Otherwise the tables would outlive the instance of SEAL that they are of.
    scope[Symbol.dispose]();
    throw error;
  }
  const decrypted = <T>(ciphertext: Ciphertext, read: (plaintext: SealPlaintext) => T): T => {
    using temporary = new SealScope();
    return guardSeal('decrypt', () => {
      const source = temporary.own(toSealCiphertext(bridge, ciphertext));
      const plaintext = temporary.own(new seal.Plaintext());
      decryptor.decrypt(source, plaintext);
      return read(plaintext);
    });
  };
  return {
    open: (ciphertext) =>
      decrypted(ciphertext, (plaintext) => {
        const slots: Float64Array = encoder.decodeFloat64(plaintext);
        return slots.slice();
      }),
    openResidues: (ciphertext) =>
      decrypted(ciphertext, (plaintext) => {
        const bytes = saveSeal(seal, plaintext);
        const residues = readSealPlaintext(bytes, (level + 1) * ringDegree);
        bytes.fill(0);
        return residues;
      }),
    close: () => scope[Symbol.dispose](),
  };
}

/** The instance of SEAL of all decryptors of this thread: each has a heap of its own. Dropped with the last of them. */
const instance: { seal: Promise<Seal> | null; users: number } = { seal: null, users: 0 };

async function shareSeal(
  load: () => Promise<Seal>,
): Promise<{ readonly seal: Seal; readonly release: () => void }> {
  instance.users += 1;
  const release = () => {
    instance.users -= 1;
    if (instance.users === 0) instance.seal = null;
  };
  try {
    instance.seal ??= load();
    return { seal: await instance.seal, release };
  } catch (error) {
    instance.seal = null;
    release();
    throw error;
  }
}

/** What decryption needs beside a key: the same for all keys of the same parameters, and much larger than one. */
type Tables = {
  readonly bridge: SealContext;
  readonly encoder: CKKSEncoder;
  readonly ring: Ring;
  readonly close: () => void;
  users: number;
};

/** By their parameters, as long as anybody uses them. */
const shared = new Map<string, Tables>();

/** @returns tables that are freed once all who have them have released them */
function shareTables(seal: Seal, parameters: Parameters): Tables & { readonly release: () => void } {
  const { ringDegree, moduli, specialModuli } = parameters;
  const name = [ringDegree, ...moduli, 'and', ...specialModuli].join(' ');
  const tables = shared.get(name) ?? makeTables(seal, parameters);
  shared.set(name, tables);
  tables.users += 1;
  const release = () => {
    tables.users -= 1;
    if (tables.users > 0) return;
    shared.delete(name);
    tables.close();
  };
  return { ...tables, release };
}

function makeTables(seal: Seal, parameters: Parameters): Tables {
  const bridge = openSealContext(seal, parameters, 'keys-and-top');
  const scope = new SealScope();
  scope.own({ delete: bridge.close });
  try {
    const encoder = scope.own(guardSeal('make an encoder', () => new seal.CKKSEncoder(bridge.context)));
    const ring = createRing(parameters.ringDegree);
    return { bridge, encoder, ring, close: () => scope[Symbol.dispose](), users: 0 };
  } catch (error) {
    scope[Symbol.dispose]();
    throw error;
  }
}

function answerType({
  resultParameters,
  registers,
  output,
}: VerifiedProgram): RegisterType & { readonly parameters: Parameters } {
  return { ...registers.get(output)!, parameters: resultParameters };
}
