import type { z } from 'zod';
import { BlindsightError } from './errors.ts';

/** Limit for a JSON message if the caller gives none. */
export const MESSAGE_MAX_BYTES = 65_536;

/**
 * Reads a JSON message from the network.
 * @param maxBytes cap on the payload, checked before anything is decoded.
 * @throws BlindsightError MESSAGE_INVALID, and nothing else: too large, not UTF-8, not JSON, or not the schema's shape.
 */
export function parseMessage<T>(
  schema: z.ZodType<T>,
  payload: Uint8Array,
  maxBytes: number = MESSAGE_MAX_BYTES,
): T {
  if (payload.length > maxBytes) {
    throw new BlindsightError(
      'MESSAGE_INVALID',
      `message of ${payload.length} bytes, at most ${maxBytes} are allowed`,
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch (cause) {
    throw new BlindsightError('MESSAGE_INVALID', 'message is not JSON in UTF-8', { cause });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new BlindsightError(
    'MESSAGE_INVALID',
    `message: ${issue?.path.join('.') || 'value'}: ${issue?.message ?? 'invalid'}`,
  );
}
