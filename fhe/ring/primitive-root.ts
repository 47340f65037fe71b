import { FheError } from '../errors.ts';
import { mulMod, powMod } from './modular.ts';

/**
 * The smallest primitive 2N-th root of unity modulo q. SEAL makes the same choice (`try_minimal_primitive_root`), so transforms
 * agree bit for bit.
 *
 * @param degree N, a power of two.
 * @param q a prime, 1 modulo 2N, below 2^30.
 * @throws FheError FHE_PARAMETERS if q is not 1 modulo 2N or no root is found.
 */
export function minimalPrimitiveRoot(degree: number, q: number): number {
  const order = 2 * degree;
  if (q % order !== 1) throw new FheError('FHE_PARAMETERS', `prime ${q}: expected 1 modulo ${order}`);
  let root = 0;
  for (let candidate = 2; candidate < q && root === 0; candidate++) {
    const power = powMod(candidate, (q - 1) / order, q);
    // The order of `power` divides 2N, a power of two; it is 2N exactly if the N-th power is −1.
    if (powMod(power, degree, q) === q - 1) root = power;
  }
  if (root === 0) throw new FheError('FHE_PARAMETERS', `${q} has no primitive root of order ${order}`);
  // The other primitive roots are the odd powers of this one.
  const step = mulMod(root, root, q);
  let smallest = root;
  let current = root;
  for (let i = 1; i < degree; i++) {
    current = mulMod(current, step, q);
    if (current < smallest) smallest = current;
  }
  return smallest;
}
