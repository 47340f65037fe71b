import type { Interpretation } from '#fhe';
import type { NetworkDescription } from '#network/model/description/network-description.ts';
import type { BundlePartName } from '#protocol/manifest.ts';
import type { NetworkSource } from './network-source.ts';

/** A network to protect. */
export type ProtectSource = {
  readonly name: string;
  readonly source: NetworkSource;
  /** See `CompileOptions.regions`. */
  readonly regions: number;
};

/**
 * What the protecting thread is given: once a network, which it reads and compiles, then any number of times a fingerprint, which marks the weights before
 * they are encrypted and is kept, sealed, with the keys. A key set comes of each.
 */
export type ProtectTask =
  | ({ readonly type: 'read' } & ProtectSource)
  | {
      readonly type: 'protect';
      readonly fingerprint: Uint8Array;
      readonly interpreters: SelfTestInterpreters;
    };

/**
 * Who computes the self-test: the reference takes four times as long as all the rest, and says nothing of other keys of a network that it has not said
 * of the first.
 */
export type SelfTestInterpreters = 'engine' | 'both';

/** How far it is. */
export type ProtectProgress = {
  /** A few words for people. */
  readonly step: string;
  /** Share that is done, 0 to 1. */
  readonly fraction: number;
};

/** A protected network as it comes out of the thread. The secret keys are in buffers of their own, to be sealed and wiped. */
export type ProtectedNetwork = {
  readonly onnx: Uint8Array;
  /** What its owner says about it: without it, no further keys can be made. */
  readonly description?: NetworkDescription;
  readonly labels: readonly string[];
  readonly ringDegree: number;
  readonly logQP: number;
  readonly parts: readonly { readonly name: BundlePartName; readonly bytes: Uint8Array }[];
  readonly secretKey: Uint8Array;
  readonly resultSecretKey: Uint8Array | null;
  /** SHA-256, hex, of the answer to the self-test inputs. */
  readonly selfTest: { readonly engine?: string; readonly reference?: string };
  readonly answerBytes: number;
  readonly interpretation: Interpretation;
};
