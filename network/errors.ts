/** Reasons to refuse a network. Every code is explained in docs/errors.md. */
export type NetworkErrorCode =
  | 'NETWORK_FILE'
  | 'NETWORK_TOO_LARGE'
  | 'NETWORK_OPERATOR'
  | 'NETWORK_SHAPE'
  | 'NETWORK_NOT_POLYNOMIAL'
  | 'NETWORK_TOO_DEEP'
  | 'NETWORK_DATA'
  | 'NETWORK_BOXES'
  | 'NETWORK_CLIP'
  | 'NETWORK_ACCURACY'
  | 'NETWORK_LAYER'
  | 'NETWORK_TRAINING'
  | 'NETWORK_TEACHER'
  | 'NETWORK_RESUME';

/** An error of the `network` layer: `code` is stable; `message` names the node, what was expected and what to do. */
export class NetworkError extends Error {
  override readonly name = 'NetworkError';
  readonly code: NetworkErrorCode;

  constructor(code: NetworkErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
