/** Of one residue of an open key: 0.5 MB were measured at N = 4096 with two primes (docs/city.md), in the heap of SEAL and outside of it. */
const BYTES_PER_RESIDUE = 64;

/** About what a key takes in memory while a decryptor has it open, beside what all keys of the same parameters share. */
export function keyBytes(ringDegree: number, primes: number): number {
  return BYTES_PER_RESIDUE * ringDegree * primes;
}
