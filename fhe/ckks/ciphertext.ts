/**
 * A CKKS ciphertext in host memory, always in NTT form with SEAL's order and roots.
 *
 * `residues` holds `size` polynomials, each of `level + 1` limbs, each of N residues below its prime:
 * index = (polynomial · (level + 1) + limb) · N + coefficient. It decrypts to Σ polynomialᵢ · sⁱ.
 */
export type Ciphertext = {
  /** Polynomials: 2, or 3 after a product not yet relinearized. */
  readonly size: 2 | 3;
  /** 0 is the last prime; a ciphertext of level l has l + 1 limbs. */
  readonly level: number;
  /** Exact scale: slot value × scale = encoded value. */
  readonly scale: number;
  readonly residues: Uint32Array;
};
