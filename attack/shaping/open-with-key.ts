import type { ParametersLiteral } from '#fhe';
import { type Ciphertext, createEncoder, createRing, mulMod } from '#fhe/testing';

/** Opens ciphertexts with a secret key that was recovered: c₀ + c₁·s. @param secretKey N coefficients −1, 0 and 1 */
export function makeOpener(
  parameters: ParametersLiteral,
  secretKey: Int8Array,
): (ciphertext: Ciphertext) => Float64Array {
  const degree = parameters.ringDegree;
  const ring = createRing(degree);
  const encoder = createEncoder(parameters, ring);
  const limbs = parameters.moduli.map((q) => {
    const limb = Uint32Array.from(secretKey, (value) => (value < 0 ? q - 1 : value));
    ring.ntt(q).forward(limb);
    return limb;
  });
  return ({ level, scale, residues }) => {
    const half = (level + 1) * degree;
    const message = residues.slice(0, half);
    for (let i = 0; i < half; i++) {
      const limb = Math.floor(i / degree);
      const q = parameters.moduli[limb]!;
      message[i] = (message[i]! + mulMod(residues[half + i]!, limbs[limb]![i % degree]!, q)) % q;
    }
    return encoder.decode(message, { level, scale });
  };
}
