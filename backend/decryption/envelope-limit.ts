/** Largest wire form of an envelope: two polynomials of N = 65536 at level 0, and room for the rest. */
export const ENVELOPE_MAX_BYTES = 2 ** 20;
