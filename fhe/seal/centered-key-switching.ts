import type { Evaluator, GaloisKeys, RelinKeys, Ciphertext as SealCiphertext } from 'node-seal/throws';
import { createNtt } from '../ring/ntt.ts';
import type { SealContext } from './context.ts';
import { toSealCiphertext } from './convert.ts';
import { SealScope } from './runtime.ts';

/**
 * Rotation and relinearization in SEAL with digits centered around zero.
 *
 * SEAL decomposes into digits in [0, q), whose mean q/2 puts up to 2^22 of noise into the slots next to ±1 (fhe/README.md, "Where
 * precision goes"). With U = Σ ⌊q/2⌋·Xⁱ, switch(c + U) − switch(U) has the digits of c + U minus those of U: the same value, centered. U
 * works for every rotation, because an automorphism only turns some ⌊q/2⌋ into −⌊q/2⌋ = ⌊q/2⌋ + 1. It costs one addition and one
 * subtraction, and memory for one ciphertext per key and level.
 */
export class CenteredKeySwitching {
  readonly #bridge: SealContext;
  readonly #evaluator: Evaluator;
  readonly #scope: SealScope;
  /** (0, U) and (0, 0, U) by level. */
  readonly #offsets = new Map<string, SealCiphertext>();
  /** switch(U), by key and level. */
  readonly #corrections = new Map<string, SealCiphertext>();
  readonly #offsetLimbs: Uint32Array[];

  /** @param scope owns what is retained between calls. */
  constructor(bridge: SealContext, evaluator: Evaluator, scope: SealScope) {
    this.#bridge = bridge;
    this.#evaluator = evaluator;
    this.#scope = scope;
    const { moduli, ringDegree } = bridge.parameters;
    this.#offsetLimbs = moduli.map((q) => {
      const limb = new Uint32Array(ringDegree).fill(Math.floor(q / 2));
      createNtt(ringDegree, q).forward(limb);
      return limb;
    });
  }

  /** As SEAL's `rotateVector`. */
  rotate(source: SealCiphertext, step: number, keys: GaloisKeys, out: SealCiphertext): void {
    this.#switch(`rotate ${step}`, source, 2, out, (from, to) =>
      this.#evaluator.rotateVector(from, step, keys, to),
    );
  }

  /** As SEAL's `relinearize`, of a ciphertext of size 3. */
  relinearize(source: SealCiphertext, keys: RelinKeys, out: SealCiphertext): void {
    this.#switch('relinearize', source, 3, out, (from, to) => this.#evaluator.relinearize(from, keys, to));
  }

  #switch(
    name: string,
    source: SealCiphertext,
    size: 2 | 3,
    out: SealCiphertext,
    apply: (from: SealCiphertext, to: SealCiphertext) => void,
  ): void {
    const level = source.coeffModulusSize() - 1;
    const scale = source.scale();
    const offset = this.#offset(level, size);
    const key = `${name} at ${level}`;
    let correction = this.#corrections.get(key);
    if (correction === undefined) {
      correction = this.#scope.own(new this.#bridge.seal.Ciphertext());
      apply(offset, correction);
      this.#corrections.set(key, correction);
    }
    using temporary = new SealScope();
    const shifted = temporary.own(source.copy());
    offset.setScale(scale);
    this.#evaluator.addInplace(shifted, offset);
    apply(shifted, out);
    correction.setScale(scale);
    this.#evaluator.subInplace(out, correction);
  }

  #offset(level: number, size: 2 | 3): SealCiphertext {
    const key = `${size} at ${level}`;
    let offset = this.#offsets.get(key);
    if (offset === undefined) {
      const { ringDegree } = this.#bridge.parameters;
      const limbs = level + 1;
      const residues = new Uint32Array(size * limbs * ringDegree);
      for (let limb = 0; limb < limbs; limb++) {
        residues.set(this.#offsetLimbs[limb]!, ((size - 1) * limbs + limb) * ringDegree);
      }
      offset = this.#scope.own(toSealCiphertext(this.#bridge, { size, level, scale: 1, residues }));
      this.#offsets.set(key, offset);
    }
    return offset;
  }
}
