/** What a process measures. */
export type Subject =
  /** The engine on a network whose parts are files in a folder, as a gateway has them. */
  | { readonly kind: 'engine'; readonly folder: string }
  /** The engine with weights that are not encrypted. */
  | { readonly kind: 'plain-engine'; readonly folder: string }
  /** onnxruntime on a file. */
  | {
      readonly kind: 'onnx';
      readonly file: string;
      readonly shape: readonly number[];
      readonly threads: number;
    };

/** Requests, one at a time; each is answered by a {@link Reply}. */
export type Request =
  | { readonly type: 'open'; readonly subject: Subject; readonly pictures: readonly Float32Array[] }
  | { readonly type: 'frames'; readonly milliseconds: number }
  | { readonly type: 'finish' };

export type Opened = {
  /** What runs, with its version. */
  readonly runtime: string;
  /** Memory of the process before it loaded anything. */
  readonly emptyBytes: number;
};

/** Frames one after the other. */
export type Frames = {
  readonly latenciesMs: Float64Array;
  /** Processor time of all threads, for all of them. */
  readonly processorMs: number;
};

export type Finished = {
  /** For each picture: a ciphertext, or logits. */
  readonly answers: readonly (Uint8Array | Float32Array)[];
  /** The most memory that the process ever had, Node.js included. */
  readonly peakBytes: number;
};

export type Reply =
  | { readonly result: Opened | Frames | Finished }
  | { readonly failure: string; readonly code: string | null };
