/**
 * The one registry of error codes: what a person can cause, what it means and what to do. Codes are stable; a test holds
 * this table and docs/errors.md together, and another that every code used in the sources is here.
 */
export const ERRORS = {
  // fhe/ (thrown as FheError; listed here for the page)
  FHE_PARAMETERS: {
    meaning: 'Encryption parameters do not fit together.',
    action: 'Use parameters that `blindsight explain` or the compiler chose.',
  },
  FHE_SECURITY: {
    meaning: 'The parameters would be below 128-bit security.',
    action: 'Use fewer or smaller primes, or a larger ring degree.',
  },
  FHE_FORMAT: {
    meaning: 'Bytes that should be a program, key or ciphertext are not well formed.',
    action: 'Deploy the bundle again; if it persists, protect the network again.',
  },
  FHE_TOO_LARGE: {
    meaning: 'A program, key or ciphertext exceeds the size limit.',
    action: 'Choose a smaller network or ring degree.',
  },
  FHE_PROGRAM: {
    meaning: 'A ciphertext program is not valid.',
    action: 'Protect the network again with this version of Blindsight.',
  },
  FHE_KEY_MISSING: {
    meaning: 'A program needs an evaluation key that did not come with it.',
    action: 'Protect the network again.',
  },
  FHE_PRECISION: {
    meaning: 'An encrypted result is less precise than promised.',
    action: 'Import the network again with calibration data that covers its inputs.',
  },
  FHE_RANGE: {
    meaning: 'A value is outside the range that the scale can hold.',
    action: 'Scale the network down or calibrate it on wider data.',
  },
  FHE_WORKER: {
    meaning: 'A computing thread stopped.',
    action: 'It restarts by itself; if this repeats, look at the memory of the machine.',
  },
  FHE_STATE: {
    meaning: 'Encrypted arithmetic was used after it was closed, or before it was ready.',
    action: 'Report this: it is a defect of Blindsight.',
  },

  // protocol/: bytes from the network
  MESSAGE_INVALID: {
    meaning: 'A JSON message is too large or not what its topic promises.',
    action: 'Run the same version of Blindsight on both sides; look for a foreign publisher on this topic.',
  },
  ENVELOPE_INVALID: {
    meaning: 'The bytes of an encrypted answer are not a well-formed envelope.',
    action: 'Run the same version of Blindsight on both sides; look for a foreign publisher on this topic.',
  },
  MANIFEST_INVALID: {
    meaning: 'The bytes of a bundle manifest are not well formed.',
    action: 'Deploy the network again with this version of Blindsight.',
  },
  CHUNK_INVALID: {
    meaning: 'The bytes of a bundle chunk are not well formed.',
    action: 'It is fetched again by itself; if this repeats, deploy the network again.',
  },

  // config/
  CONFIG_INVALID: {
    meaning:
      'A configuration has a mistake; the message names file, line, column, path and what was expected.',
    action: 'Correct the named lines; the commented examples in config/ show every setting.',
  },
  CONFIG_UNREADABLE: {
    meaning: 'A configuration file cannot be read.',
    action: 'Check that the path is right and that the daemon may read it.',
  },

  // runtime/
  FILE_UNREADABLE: {
    meaning: 'A file that is needed cannot be read.',
    action: 'Check that the path is right and that the daemon may read it.',
  },
  SECRET_EXPOSED: {
    meaning: 'A file with a secret can be read or changed by other users of the machine.',
    action: 'Run `chmod 600` on the named file, and make a new secret if others may have read it.',
  },
  LINK_DOWN: {
    meaning: 'The connection to the MQTT broker is down.',
    action: 'It reconnects by itself; if it stays down, check address, network and that the broker runs.',
  },
  LINK_REFUSED: {
    meaning: 'The MQTT broker refuses this identity or a topic.',
    action:
      'Check that the certificate comes from this installation and that name and site are the enrolled ones.',
  },
} as const satisfies Record<string, { meaning: string; action: string }>;

export type ErrorCode = keyof typeof ERRORS;

/**
 * An error that a person can cause or must hear of. `message` says what happened and where (file, line, path, address
 * without password); the registry's action says what to do.
 */
export class BlindsightError extends Error {
  override readonly name = 'BlindsightError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /** What the registry says can be done. */
  get action(): string {
    return ERRORS[this.code].action;
  }
}
