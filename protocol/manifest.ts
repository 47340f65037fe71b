/** The files of a bundle, in the order in which a gateway fetches them. */
export const BUNDLE_PARTS = ['program', 'public-key', 'constants', 'evaluation-keys', 'self-test'] as const;
export type BundlePartName = (typeof BUNDLE_PARTS)[number];

export type BundlePart = {
  readonly name: BundlePartName;
  readonly bytes: number;
  /** SHA-256, hex. */
  readonly sha256: string;
};

/**
 * What the owner signs. On the wire: deterministic CBOR of [payload bytes, Ed25519 signature], payload the deterministic
 * CBOR map of this type. Its SHA-256 (of the whole wire form) names the bundle everywhere.
 */
export type Manifest = {
  readonly schema: 1;
  readonly site: string;
  /** The only gateway that may run it. */
  readonly gateway: string;
  readonly model: string;
  readonly modelVersion: number;
  /** Strictly increasing for each gateway: an older release is refused, a rollback by the owner is a new release. */
  readonly counter: number;
  readonly createdMs: number;
  readonly parts: readonly BundlePart[];
  /** SHA-256, hex, of the serialized answer of each interpreter to the self-test inputs. */
  readonly selfTest: { readonly engine?: string; readonly reference: string };
};

/** Bytes of one piece of a bundle part; CBOR on the wire. */
export type Chunk = {
  readonly bundle: string;
  readonly part: BundlePartName;
  /** Chunk number; its offset is number × chunkBytes. */
  readonly number: number;
  readonly data: Uint8Array;
};

/** Payload bytes of a chunk: below the 128 KB of AWS IoT, the smallest message limit of the brokers that we know. */
export const CHUNK_BYTES = 65_536;
