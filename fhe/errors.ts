/** Reasons for which encrypted arithmetic refuses its input. Every code is explained in docs/errors.md. */
export type FheErrorCode =
  | 'FHE_PARAMETERS'
  | 'FHE_SECURITY'
  | 'FHE_FORMAT'
  | 'FHE_TOO_LARGE'
  | 'FHE_MEMORY'
  | 'FHE_DISK'
  | 'FHE_PROGRAM'
  | 'FHE_KEY_MISSING'
  | 'FHE_RANGE'
  | 'FHE_WORKER'
  | 'FHE_STATE';

/** An error of the `fhe` layer: `code` is stable, `message` says what was expected and what came. */
export class FheError extends Error {
  override readonly name = 'FheError';
  readonly code: FheErrorCode;

  constructor(code: FheErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
