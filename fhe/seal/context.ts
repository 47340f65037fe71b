import type { ParmsIdType, SEALContext } from 'node-seal/throws';
import type { Parameters } from '../ckks/parameters.ts';
import { FheError } from '../errors.ts';
import { guardSeal, loadSeal, type Seal, SealScope } from './runtime.ts';

/**
 * SEAL's view of our parameters. SEAL's chain is q₀ … q_L, P with its own special prime last, so our level l is its context data with l + 1
 * primes. With α > 1 SEAL treats all but one of our special primes as data primes: levels, keys and decryption agree, key switching
 * does not (the reference interpreter refuses it).
 */
export type SealContext = {
  readonly seal: Seal;
  readonly parameters: Parameters;
  readonly context: SEALContext;
  /** SEAL's identity of a level, for its C++ calls. Owned by the context. */
  levelId(level: number): ParmsIdType;
  /** The 32 bytes of {@link levelId}; `key` is the level of keys, which has all primes. */
  levelIdBytes(level: number | 'key'): Uint8Array;
  /** The level identified by 32 bytes; −1 if it is none of ours. */
  levelOfId(bytes: Uint8Array): number;
  close(): void;
};

/** SEAL has no bound for this ring degree, so its own check cannot be used. Ours is stricter everywhere. */
const LARGEST_CHECKED_DEGREE = 32768;

/**
 * The levels of a context. SEAL rebuilds the tables of every prime for every level, which takes minutes at N = 65536 with a long chain;
 * key generation and decryption need only the key level and one more.
 */
export type SealLevels = 'all' | 'keys-and-top';

/** Makes a context with all levels in a new instance of SEAL. @throws FheError FHE_PARAMETERS if SEAL refuses. */
export async function createSealContext(
  parameters: Parameters,
  levels: SealLevels = 'all',
): Promise<SealContext> {
  return openSealContext(await loadSeal(), parameters, levels);
}

/** As {@link createSealContext}, in an instance that is already running. */
export function openSealContext(seal: Seal, parameters: Parameters, levels: SealLevels): SealContext {
  return guardSeal('make a context', () => build(seal, parameters, levels));
}

function build(seal: Seal, parameters: Parameters, levels: SealLevels): SealContext {
  const scope = new SealScope();
  try {
    using temporary = new SealScope();
    const primes = [...parameters.moduli, ...parameters.specialModuli];
    const chain = temporary.own(new seal.VectorModulus());
    for (const prime of primes) chain.push_back(temporary.own(new seal.Modulus(BigInt(prime))));
    const literal = temporary.own(new seal.EncryptionParameters(seal.SchemeType.ckks));
    literal.setPolyModulusDegree(parameters.ringDegree);
    literal.setCoeffModulus(chain);
    const security =
      parameters.ringDegree > LARGEST_CHECKED_DEGREE ? seal.SecLevelType.none : seal.SecLevelType.tc128;
    const context = scope.own(new seal.SEALContext(literal, levels === 'all', security));
    if (!context.parametersSet()) {
      throw new FheError('FHE_PARAMETERS', 'SEAL does not accept the parameters');
    }
    const ids = collectLevelIds(context, scope, parameters);
    const keyId = idBytes(scope.own(context.keyParmsId()));
    const idsAsBytes: (Uint8Array | undefined)[] = Array.from(ids, (id) => id && idBytes(id));
    return {
      seal,
      parameters,
      context,
      levelId: (level) => ids[level]!,
      levelIdBytes: (level) => (level === 'key' ? keyId : idsAsBytes[level]!),
      levelOfId: (bytes) => idsAsBytes.findIndex((id) => id !== undefined && Buffer.compare(id, bytes) === 0),
      close: () => scope[Symbol.dispose](),
    };
  } catch (error) {
    scope[Symbol.dispose]();
    throw error;
  }
}

/** Walks SEAL's chain; entry l is the identity of our level l, which has l + 1 primes. */
function collectLevelIds(context: SEALContext, scope: SealScope, parameters: Parameters): ParmsIdType[] {
  const ids: ParmsIdType[] = [];
  let data = scope.own(context.firstContextData());
  for (let more = true; more; ) {
    using temporary = new SealScope();
    const level = temporary.own(temporary.own(data.parms()).coeffModulus()).size() - 1;
    if (level <= parameters.maxLevel) ids[level] = scope.own(data.parmsId());
    more = data.chainIndex() > 0;
    if (more) data = scope.own(data.nextContextData());
  }
  return ids;
}

function idBytes(id: ParmsIdType): Uint8Array {
  const words: BigUint64Array = id.values();
  return new Uint8Array(BigUint64Array.from(words).buffer);
}
