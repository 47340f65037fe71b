import type { Interpretation } from '#fhe';
import type { NetworkDescription } from '#network/model/description/network-description.ts';
import type { BundlePartName } from '#protocol/manifest.ts';
import type { NetworkSource } from './network-source.ts';

/** What the protecting thread is given. */
export type ProtectTask = {
  readonly name: string;
  readonly source: NetworkSource;
  /** See `CompileOptions.regions`. */
  readonly regions: number;
  /** Marks the weights before they are encrypted; kept, sealed, with the keys. */
  readonly fingerprint: Uint8Array;
};

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
