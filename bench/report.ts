/** One operation on ciphertexts, side by side. */
export type OperationResult = {
  readonly name: string;
  readonly ringDegree: number;
  /** Data primes of the ciphertext. */
  readonly limbs: number;
  readonly threads: number;
  readonly engineMs: number;
  readonly engineSpreadMs: number;
  readonly nodeSealMs: number;
  readonly nodeSealSpreadMs: number;
  /** nodeSealMs / engineMs. */
  readonly ratio: number;
};

/** One picture through a whole network, weights and picture encrypted. */
export type FrameResult = {
  readonly network: string;
  readonly threads: number;
  readonly encryptMs: number;
  readonly evaluateMs: number;
  readonly totalMs: number;
  readonly spreadMs: number;
  /** Encrypt and evaluate of the same program on node-seal. */
  readonly nodeSealMs: number;
  readonly ratio: number;
  /** Program, encrypted constants and evaluation keys. */
  readonly bundleBytes: number;
  readonly evaluationKeyBytes: number;
  readonly resultBytes: number;
  /** Largest |engine − clear program| of any slot of the answer that holds a logit. */
  readonly worstError: number;
};

export type BenchReport = {
  readonly machine: string;
  readonly commit: string;
  readonly operations: readonly OperationResult[];
  readonly frames: readonly FrameResult[];
};
