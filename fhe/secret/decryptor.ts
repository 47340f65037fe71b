import type { CKKSEncoder } from 'node-seal/throws';
import { createAnswerForm } from '../ckks/answer.ts';
import type { Ciphertext } from '../ckks/ciphertext.ts';
import { checkParameters, type Parameters, type ParametersLiteral } from '../ckks/parameters.ts';
import { FheError } from '../errors.ts';
import { type RegisterType, SCALE_TOLERANCE, type VerifiedProgram } from '../program/verifier.ts';
import { createRing, type Ring } from '../ring/ring.ts';
import { openSealContext, type SealContext } from '../seal/context.ts';
import { toSealCiphertext } from '../seal/convert.ts';
import { guardSeal, loadSeal, type Seal, SealScope } from '../seal/runtime.ts';
import type { OwnerKeys } from './owner-keys.ts';
import { toSealSecretKey } from './seal-secret.ts';
import { decodeSecretKey } from './secret-key.ts';

/** Decrypts answers of one program. The result must not leave the decryptor unrounded: see `interpretSlots`. */
export type Decryptor = {
  /**
   * All slots of a serialized ciphertext.
   *
   * @throws FheError FHE_FORMAT if the bytes are not a ciphertext, or not of the level, scale and size of the program's answer; then no
   * key has been used.
   */
  decrypt(ciphertext: Uint8Array): Float64Array;
  /** Forgets the key. */
  close(): void;
};

/**
 * Makes a decryptor, using SEAL.
 *
 * For a program it decrypts only what looks like the answer of that program (level, scale, size and ring); for bare parameters, as in
 * tests and tools, any ciphertext.
 */
export async function createDecryptor(
  target: VerifiedProgram | ParametersLiteral,
  keys: Pick<OwnerKeys, 'secretKey' | 'resultSecretKey'>,
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
  const { seal, release } = await shareSeal();
  const levels = new Map<number, Opener>();
  const form = createAnswerForm(parameters, expected?.ring === 'result');
  // All answers of a program have one level: its tables are made now, not while the first answer waits.
  try {
    if (expected !== null) levels.set(expected.level, openLevel(seal, parameters, expected.level, secret));
  } catch (error) {
    secret.fill(0);
    release();
    throw error;
  }
  let isOpen = true;

  return {
    decrypt(bytes) {
      const ciphertext = form.decode(bytes);
      if (expected !== null) {
        const { level, scale, size } = expected;
        const sameScale = Math.abs(ciphertext.scale / scale - 1) <= SCALE_TOLERANCE;
        if (ciphertext.level !== level || ciphertext.size !== size || !sameScale) {
          throw new FheError(
            'FHE_FORMAT',
            `ciphertext of level ${ciphertext.level}, size ${ciphertext.size} and scale ${ciphertext.scale}: the answer has level ${level}, size ${size} and scale ${scale}`,
          );
        }
      }
      const { level } = ciphertext;
      const opener = levels.get(level) ?? openLevel(seal, parameters, level, secret);
      levels.set(level, opener);
      return opener.open(ciphertext);
    },
    close() {
      secret.fill(0);
      for (const opener of levels.values()) opener.close();
      levels.clear();
      if (isOpen) release();
      isOpen = false;
    },
  };
}

/** SEAL's tools for one level. */
type Opener = { open(ciphertext: Ciphertext): Float64Array; close(): void };

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
    return scope.own(new seal.Decryptor(bridge.context, key));
  };
  let decryptor: ReturnType<typeof makeDecryptor>;
  try {
    decryptor = makeDecryptor();
  } catch (error) {
    // Otherwise the tables would outlive the instance of SEAL that they are of.
    scope[Symbol.dispose]();
    throw error;
  }
  return {
    open(ciphertext) {
      using temporary = new SealScope();
      return guardSeal('decrypt', () => {
        const source = temporary.own(toSealCiphertext(bridge, ciphertext));
        const plaintext = temporary.own(new seal.Plaintext());
        decryptor.decrypt(source, plaintext);
        const slots: Float64Array = encoder.decodeFloat64(plaintext);
        return slots.slice();
      });
    },
    close: () => scope[Symbol.dispose](),
  };
}

/** The instance of SEAL of all decryptors of this thread: each has a heap of its own. Dropped with the last of them. */
const instance: { seal: Promise<Seal> | null; users: number } = { seal: null, users: 0 };

async function shareSeal(): Promise<{ readonly seal: Seal; readonly release: () => void }> {
  instance.users += 1;
  const release = () => {
    instance.users -= 1;
    if (instance.users === 0) instance.seal = null;
  };
  try {
    instance.seal ??= loadSeal();
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
  const encoder = scope.own(new seal.CKKSEncoder(bridge.context));
  const ring = createRing(parameters.ringDegree);
  return { bridge, encoder, ring, close: () => scope[Symbol.dispose](), users: 0 };
}

function answerType({
  resultParameters,
  registers,
  output,
}: VerifiedProgram): RegisterType & { readonly parameters: Parameters } {
  return { ...registers.get(output)!, parameters: resultParameters };
}
