/** Ranges that contracts promise, checked in the debug build only: `requireBelow` is empty where assertions are compiled out. */
import { degree, modulus } from './prime';

function checkBelow(a: usize, count: u32, bound: u64): void {
  assert((a & 3) == 0, 'address not aligned');
  for (let i: u32 = 0; i < count; i++) assert(<u64>load<u32>(a + (<usize>i << 2)) < bound, 'value out of range');
}

/** Every residue of a limb is below `times` · q. */
// @ts-ignore: decorator
@inline
export function requireBelow(a: usize, times: u32, prime: usize): void {
  if (!ASC_NO_ASSERT) checkBelow(a, degree(prime), <u64>times * modulus(prime));
}
