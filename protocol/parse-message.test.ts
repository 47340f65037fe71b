import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BlindsightError } from './errors.ts';
import { BackendState, ChunkRequest, Receipt } from './messages.ts';
import { parseMessage } from './parse-message.ts';

const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const state = { state: 'online', session: 4, time: '2026-05-01T10:00:00.000Z' };

describe('parseMessage', () => {
  it('reads what the schema promises', () => {
    expect(parseMessage(BackendState, bytes(state), 200)).toEqual(state);
    expect(parseMessage(Receipt, bytes({ received: ['0a'.repeat(32)] }))).toEqual({
      received: ['0a'.repeat(32)],
    });
  });

  it.each([
    ['too large', bytes(state), 20, 'at most 20'],
    ['not JSON', new TextEncoder().encode('{'), 100, 'not JSON'],
    ['not UTF-8', new Uint8Array([0x22, 0xff, 0x22]), 100, 'UTF-8'],
    ['a missing field', bytes({ ...state, time: undefined }), 200, 'time'],
    ['a wrong value', bytes({ ...state, session: 0 }), 200, 'session'],
  ])('refuses %s', (_, payload, maxBytes, said) => {
    const attempt = () => parseMessage(BackendState, payload, maxBytes);
    expect(attempt).toThrow(BlindsightError);
    expect(attempt).toThrow(said);
  });

  it('refuses a receipt of nothing and of too much', () => {
    expect(() => parseMessage(Receipt, bytes({ received: [] }))).toThrow(BlindsightError);
    const many = { received: Array.from({ length: 257 }, () => '0a'.repeat(32)) };
    expect(() => parseMessage(Receipt, bytes(many))).toThrow(BlindsightError);
  });

  it('throws nothing but MESSAGE_INVALID', () => {
    const harmless = (payload: Uint8Array) => {
      try {
        parseMessage(ChunkRequest, payload);
      } catch (error) {
        return error instanceof BlindsightError && error.code === 'MESSAGE_INVALID';
      }
      return true;
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), harmless));
    fc.assert(fc.property(fc.json(), (text) => harmless(new TextEncoder().encode(text))));
  });
});
