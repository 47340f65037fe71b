/** Codes of fhe/, thrown as FheError; part of the one registry in ../errors.ts, for the page. */
export const ENGINE_ERRORS = {
  FHE_PARAMETERS: {
    meaning: 'Encryption parameters do not fit together.',
    action: 'Use parameters that `blindsight explain` or the compiler chose.',
  },
  FHE_SECURITY: {
    meaning: 'The parameters would be below 128-bit security.',
    action: 'Use fewer or smaller primes, or a larger ring degree.',
  },
  FHE_FORMAT: {
    meaning: 'The bytes of a program, key or ciphertext are malformed.',
    action: 'Deploy the bundle again; if it persists, protect the network again.',
  },
  FHE_TOO_LARGE: {
    meaning: 'A program, key or ciphertext exceeds the size limit.',
    action: 'Choose a smaller network or ring degree.',
  },
  FHE_MEMORY: {
    meaning:
      'The encryption engine may have less memory than it needs, even with constants and keys on disk.',
    action:
      'Raise inference.memoryMegabytes to what the message says: the gateway then tries the network again by itself. Or choose a smaller one.',
  },
  FHE_DISK: {
    meaning:
      'Constants and keys that do not fit into memory cannot be written to the disk, or read from it; or the files of a network cannot be read.',
    action:
      'Free space on the disk, or check it for errors. The gateway tries again by itself, at the latest after a quarter of an hour.',
  },
  FHE_PROGRAM: {
    meaning: 'A ciphertext program is not valid.',
    action: 'Protect the network again with this version of Blindsight.',
  },
  FHE_KEY_MISSING: {
    meaning: 'A program needs an evaluation key that did not come with it.',
    action: 'Protect the network again.',
  },
  FHE_RANGE: {
    meaning: 'A value is outside the range that the scale can hold.',
    action: 'Scale the network down, or calibrate it on more varied data.',
  },
  FHE_WORKER: {
    meaning: 'A computing thread stopped.',
    action: 'It restarts by itself; if this repeats, check the memory of the machine.',
  },
  FHE_STATE: {
    meaning: 'The encryption engine was used after it was closed, or before it was ready.',
    action: 'Report this: it is a bug in Blindsight.',
  },
} as const;
