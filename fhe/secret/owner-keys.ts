import { checkParameters, type Parameters } from '../ckks/parameters.ts';
import { encodePublicKey, expandSecondHalf } from '../ckks/serialization.ts';
import type { ResultRing } from '../program/program.ts';
import { createRing } from '../ring/ring.ts';
import { openSealContext } from '../seal/context.ts';
import { loadSeal, type Seal, SealScope } from '../seal/runtime.ts';
import { fromSealSecretKey } from './seal-secret.ts';
import { encodeSecretKey, secretResidues } from './secret-key.ts';
import { encryptSeeded, freshSeeds } from './symmetric.ts';

/** The keys of one protected network, serialized. Only `publicKey` may leave the owner. */
export type OwnerKeys = {
  readonly secretKey: Uint8Array;
  /** The secret of the small ring of answers, if the program has one. */
  readonly resultSecretKey?: Uint8Array;
  readonly publicKey: Uint8Array;
};

/** Parameters of a result ring: one prime, no key switching. */
export function resultRingParameters(ring: ResultRing): Parameters {
  return checkParameters({ ringDegree: ring.ringDegree, moduli: [ring.modulus], specialModuli: [] });
}

/**
 * Makes fresh keys: secrets with SEAL's KeyGenerator (ternary, randomness from the operating system), and the public key under them, an
 * encryption of zero.
 */
export async function createOwnerKeys(parameters: Parameters, resultRing?: ResultRing): Promise<OwnerKeys> {
  // An instance of its own, which nothing refers to afterwards: what SEAL leaves in its heap goes with it.
  const seal = await loadSeal();
  const secret = drawSecret(seal, parameters);
  const keys = {
    secretKey: encodeSecretKey(parameters, secret),
    publicKey: makePublicKey(parameters, secret),
  };
  secret.fill(0);
  if (resultRing === undefined) return keys;
  const small = resultRingParameters(resultRing);
  const resultSecret = drawSecret(seal, small);
  const resultSecretKey = encodeSecretKey(small, resultSecret);
  resultSecret.fill(0);
  return { ...keys, resultSecretKey };
}

/**
 * The coefficients of a fresh secret. They do not depend on the primes, so one is enough for SEAL, which takes 30 ms for the tables of each
 * prime at each level (N = 8192): 0.4 s for those of `counter`.
 */
function drawSecret(seal: Seal, { ringDegree, moduli }: Parameters): Int8Array {
  const one = checkParameters({ ringDegree, moduli: moduli.slice(0, 1), specialModuli: [] });
  const bridge = openSealContext(seal, one, 'keys-and-top');
  try {
    using scope = new SealScope();
    const generator = scope.own(new seal.KeyGenerator(bridge.context));
    return fromSealSecretKey(bridge, createRing(ringDegree), scope.own(generator.secretKey()));
  } finally {
    bridge.close();
  }
}

/** (−a·s + e, a) modulo all primes. */
function makePublicKey(parameters: Parameters, secret: Int8Array): Uint8Array {
  const primes = [...parameters.moduli, ...parameters.specialModuli];
  const ring = createRing(parameters.ringDegree);
  const type = { level: parameters.maxLevel, scale: 1, modulus: 'QP' } as const;
  const seeds = freshSeeds();
  const under = secretResidues(ring, secret, primes);
  const zero = new Uint32Array(under.length);
  const { first } = encryptSeeded(parameters, ring, under, zero, type, seeds);
  under.fill(0);
  seeds.error.fill(0);
  const residues = new Uint32Array(2 * first.length);
  residues.set(first);
  residues.set(expandSecondHalf(parameters, { ...type, seed: seeds.uniform }), first.length);
  return encodePublicKey(parameters, { residues });
}
