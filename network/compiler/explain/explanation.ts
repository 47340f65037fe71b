/** One layer of the plan: a linear step or the products (squares) after it. */
export type ExplainedLayer = {
  readonly kind: 'linear' | 'activation';
  /** Number of the linear layer, from 1; products have that of the one before them. */
  readonly number: number;
  readonly inputs: number;
  readonly outputs: number;
  /** How it is evaluated: `patches`, `hoisted`, `baby-giant`, or `product`. */
  readonly plan: string;
  /** Layout of the outputs. */
  readonly layout: string;
  readonly ciphertexts: number;
  /** Level at which it is computed. */
  readonly level: number;
  readonly rotations: number;
  readonly products: number;
  readonly keySwitches: number;
  readonly estimatedMs: number;
};

/** The cost of protecting and running a network. Plain data: print it, draw it, or send it as JSON. */
export type Explanation = {
  readonly name: string;
  /** Pictures that one ciphertext answers; every figure is for all of them together. */
  readonly regions: number;
  readonly layers: readonly ExplainedLayer[];
  readonly ringDegree: number;
  /** log2 of the product of all primes, and the maximum for 128-bit security at this ring degree (2024 guidelines). */
  readonly logQP: number;
  readonly logQPLimit: number;
  /** Classical security in bits that the table guarantees. */
  readonly securityBits: number;
  readonly levels: number;
  /** Special primes, limbs in a key-switching digit. */
  readonly specialPrimes: number;
  readonly inputs: number;
  readonly rotations: number;
  readonly products: number;
  readonly keySwitches: number;
  readonly estimatedMs: { readonly encrypt: number; readonly evaluate: number; readonly total: number };
  readonly bytes: {
    readonly constants: number;
    readonly evaluationKeys: number;
    readonly program: number;
    /** Total size of what is deployed. */
    readonly bundle: number;
    readonly answer: number;
    /** Memory of the gateway's engine, estimated. */
    readonly memory: number;
  };
  /** Answers that have room in one ciphertext of an answer's size, where a gateway puts them together (`answers.togetherSeconds`); 1 where each needs its own. */
  readonly answersTogether: number;
  /** Bits of the largest calibrated logit above the noise, estimated. */
  readonly precisionBits: number;
  readonly machine: { readonly measured: boolean; readonly identity: string };
  /** Frame times of this very program on this machine, and estimate ÷ measured median; null if none ran. */
  readonly measured: {
    readonly medianMs: number;
    readonly p95Ms: number;
    readonly frames: number;
    readonly at: string;
    readonly ratio: number;
  } | null;
  /** Assumptions, and obstacles to running it. */
  readonly notes: readonly string[];
};
