import { createNtt, type Ntt } from './ntt.ts';

/** The transforms of one ring degree, each made on first use. */
export type Ring = {
  readonly degree: number;
  ntt(prime: number): Ntt;
};

/** @param degree N, a power of two. */
export function createRing(degree: number): Ring {
  const transforms = new Map<number, Ntt>();
  return {
    degree,
    ntt(prime) {
      const known = transforms.get(prime);
      if (known !== undefined) return known;
      const made = createNtt(degree, prime);
      transforms.set(prime, made);
      return made;
    },
  };
}
