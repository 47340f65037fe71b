import { describe, expect, it } from 'vitest';
import { FLOOD, FloodWatch } from './flood-watch.ts';

describe('a flood', () => {
  const time = { ms: 0 };
  const watch = () => new FloodWatch({ monotonic: () => time.ms });

  it('is a thousand malformed messages of one gateway within ten minutes', () => {
    const floods = watch();
    for (let count = 1; count < FLOOD.messages; count++) {
      expect(floods.add('gate', count % 2 ? 'malformed' : 'signature')).toBe(false);
      expect(floods.add('other', 'model')).toBe(false);
      time.ms += 500;
    }
    expect(floods.add('other', 'malformed')).toBe(false);
    expect(floods.add('gate', 'ciphertext')).toBe(true);
    expect(floods.add('gate', 'ciphertext'), 'counts anew').toBe(false);
  });

  it('is no trickle, however long, and no other refusal, however often', () => {
    const floods = watch();
    for (let count = 0; count < 3 * FLOOD.messages; count++) {
      expect(floods.add('gate', 'malformed')).toBe(false);
      for (const reason of ['version', 'model', 'size', 'replayed'] as const) {
        expect(floods.add('gate', reason)).toBe(false);
      }
      time.ms += 601;
    }
  });

  it('in bursts of less than a thousand does not add up over ten minutes', () => {
    const floods = watch();
    for (let burst = 0; burst < 5; burst++) {
      for (let count = 0; count < FLOOD.messages - 1; count++) {
        expect(floods.add('gate', 'malformed')).toBe(false);
      }
      time.ms += FLOOD.windowMs + 1;
    }
  });
});
