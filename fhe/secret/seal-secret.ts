import type { SecretKey as SealSecretKey } from 'node-seal/throws';
import type { Ring } from '../ring/ring.ts';
import type { SealContext } from '../seal/context.ts';
import { saveSeal } from '../seal/convert.ts';
import { readSealPlaintext, writeSealPlaintext } from '../seal/format.ts';
import { guardSeal } from '../seal/runtime.ts';
import { secretCoefficients, secretResidues } from './secret-key.ts';

/** The ternary coefficients of a secret key in SEAL's heap. */
export function fromSealSecretKey(bridge: SealContext, ring: Ring, key: SealSecretKey): Int8Array {
  const { moduli, specialModuli, ringDegree } = bridge.parameters;
  const limbs = moduli.length + specialModuli.length;
  const bytes = saveSeal(bridge.seal, key);
  const residues = readSealPlaintext(bytes, limbs * ringDegree);
  const coefficients = secretCoefficients(ring, residues.subarray(0, ringDegree), moduli[0]!);
  bytes.fill(0);
  residues.fill(0);
  return coefficients;
}

/** Our secret key in SEAL's heap. The caller deletes it, which frees it there and overwrites nothing (SECURITY.md). */
export function toSealSecretKey(bridge: SealContext, ring: Ring, secret: Int8Array): SealSecretKey {
  const primes = [...bridge.parameters.moduli, ...bridge.parameters.specialModuli];
  const residues = secretResidues(ring, secret, primes);
  const bytes = writeSealPlaintext(bridge.levelIdBytes('key'), 1, residues);
  const key = new bridge.seal.SecretKey();
  try {
    guardSeal('load a secret key', () => key.loadFromArray(bridge.context, bytes));
    return key;
  } catch (error) {
    key.delete();
    throw error;
  } finally {
    residues.fill(0);
    bytes.fill(0);
  }
}
