import type {
  GaloisKeys,
  RelinKeys,
  Ciphertext as SealCiphertext,
  PublicKey as SealPublicKey,
} from 'node-seal/throws';
import type { Ciphertext } from '../ckks/ciphertext.ts';
import { expandKeyHalf, type KeySwitchKey } from '../ckks/evaluation-keys.ts';
import type { PublicKey } from '../ckks/serialization.ts';
import { FheError } from '../errors.ts';
import { galoisElement } from '../ring/automorphism.ts';
import type { SealContext } from './context.ts';
import {
  readSealCiphertext,
  type SealCiphertextFields,
  writeSealCiphertext,
  writeSealKeySwitchKey,
} from './format.ts';
import { guardSeal, type Seal, type SealObject } from './runtime.ts';

/** Something with SEAL's `save`. */
type Savable = { saveToArray(compression: Seal['ComprModeType']['none']): Uint8Array };

/** The output of SEAL's `save`, which is a copy already, and the only one. */
export function saveSeal(seal: Seal, object: Savable): Uint8Array {
  return object.saveToArray(seal.ComprModeType.none);
}

/** Makes an object and fills it; deletes the object if SEAL refuses the bytes. */
function load<T extends SealObject>(what: string, object: T, fill: (object: T) => void): T {
  try {
    guardSeal(`load ${what}`, () => fill(object));
    return object;
  } catch (error) {
    object.delete();
    throw error;
  }
}

/** Our ciphertext in SEAL's heap. The caller deletes it. */
export function toSealCiphertext(bridge: SealContext, ciphertext: Ciphertext): SealCiphertext {
  const bytes = writeSealCiphertext({
    id: bridge.levelIdBytes(ciphertext.level),
    size: ciphertext.size,
    degree: bridge.parameters.ringDegree,
    limbs: ciphertext.level + 1,
    scale: ciphertext.scale,
    residues: ciphertext.residues,
  });
  return load('a ciphertext', new bridge.seal.Ciphertext(), (object) =>
    object.loadFromArray(bridge.context, bytes),
  );
}

/** A ciphertext in SEAL's heap as ours; the source stays unchanged. */
export function fromSealCiphertext(bridge: SealContext, ciphertext: SealCiphertext): Ciphertext {
  const fields = readSealCiphertext(saveSeal(bridge.seal, ciphertext));
  const level = bridge.levelOfId(fields.id);
  if ((fields.size !== 2 && fields.size !== 3) || level < 0 || fields.limbs !== level + 1) {
    throw new FheError('FHE_FORMAT', `SEAL wrote a ciphertext of size ${fields.size}, ${fields.limbs} limbs`);
  }
  return { size: fields.size, level, scale: fields.scale, residues: fields.residues };
}

/** Our public key in SEAL's heap. The caller deletes it. */
export function toSealPublicKey(bridge: SealContext, key: PublicKey): SealPublicKey {
  const { moduli, specialModuli, ringDegree } = bridge.parameters;
  const bytes = writeSealCiphertext({
    id: bridge.levelIdBytes('key'),
    size: 2,
    degree: ringDegree,
    limbs: moduli.length + specialModuli.length,
    scale: 1,
    residues: key.residues,
  });
  return load('a public key', new bridge.seal.PublicKey(), (object) =>
    object.loadFromArray(bridge.context, bytes),
  );
}

/** A relinearization key in SEAL's heap; α must be 1. The caller deletes it. */
export function toSealRelinKeys(bridge: SealContext, key: KeySwitchKey): RelinKeys {
  const bytes = writeSealKeySwitchKey(bridge.levelIdBytes('key'), 1, 0, sealDigits(bridge, key));
  return load('relinearization keys', new bridge.seal.RelinKeys(), (object) =>
    object.loadFromArray(bridge.context, bytes),
  );
}

/**
 * The key of one rotation in SEAL's heap; α must be 1. One object for each step keeps the peak of memory low. The caller deletes it.
 */
export function toSealGaloisKeys(bridge: SealContext, step: number, key: KeySwitchKey): GaloisKeys {
  const degree = bridge.parameters.ringDegree;
  const index = (galoisElement(step, degree) - 1) / 2;
  const bytes = writeSealKeySwitchKey(bridge.levelIdBytes('key'), degree, index, sealDigits(bridge, key));
  return load('rotation keys', new bridge.seal.GaloisKeys(), (object) =>
    object.loadFromArray(bridge.context, bytes),
  );
}

/**
 * A level-truncated key in SEAL's full shape: L + 1 digits of two polynomials of L + 2 limbs, with zeros where SEAL reads only at higher levels
 * (at level l it uses the digits 0 … l, their limbs 0 … l and the special prime).
 */
function sealDigits(bridge: SealContext, key: KeySwitchKey): SealCiphertextFields[] {
  const { moduli, specialModuli, ringDegree: degree } = bridge.parameters;
  if (specialModuli.length !== 1) {
    throw new FheError('FHE_PARAMETERS', `SEAL knows one special prime, not ${specialModuli.length}`);
  }
  const a = expandKeyHalf(bridge.parameters, key);
  const limbs = key.level + 2;
  const fullLimbs = moduli.length + 1;
  return moduli.map((_, digit) => {
    const residues = new Uint32Array(2 * fullLimbs * degree);
    if (digit <= key.level) {
      [key.b, a].forEach((half, polynomial) => {
        const from = digit * limbs * degree;
        const to = polynomial * fullLimbs * degree;
        residues.set(half.subarray(from, from + (limbs - 1) * degree), to);
        residues.set(
          half.subarray(from + (limbs - 1) * degree, from + limbs * degree),
          to + (fullLimbs - 1) * degree,
        );
      });
    }
    return { id: bridge.levelIdBytes('key'), size: 2, degree, limbs: fullLimbs, scale: 1, residues };
  });
}
