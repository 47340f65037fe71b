import { z } from 'zod';
import { decodeCanonical, encodeCanonical } from './cbor.ts';
import { BlindsightError } from './errors.ts';

const MAX_INPUTS = 1024;
const Inputs = z
  .array(z.instanceof(Uint8Array).refine((bytes) => bytes.length > 0))
  .min(1)
  .max(MAX_INPUTS);

/**
 * The bundle part `self-test`: one serialized ciphertext for each input of the program, as deterministic CBOR array of byte
 * strings. The digest of the right answer is in the manifest.
 */
export function encodeSelfTest(inputs: readonly Uint8Array[]): Uint8Array {
  return encodeCanonical(inputs);
}

/**
 * Strict inverse of {@link encodeSelfTest}; the ciphertexts are for `decodeCiphertext` to check.
 * @throws BlindsightError BUNDLE_DAMAGED for any other bytes.
 */
export function decodeSelfTest(bytes: Uint8Array): Uint8Array[] {
  let value: unknown;
  try {
    value = decodeCanonical(bytes);
  } catch (cause) {
    throw new BlindsightError('BUNDLE_DAMAGED', 'self-test: not deterministic CBOR', { cause });
  }
  const result = Inputs.safeParse(value);
  if (!result.success) {
    throw new BlindsightError('BUNDLE_DAMAGED', `self-test: expected 1 to ${MAX_INPUTS} ciphertexts`);
  }
  return result.data;
}
