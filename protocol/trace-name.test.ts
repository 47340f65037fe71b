import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeEnvelope } from './envelope.ts';
import { envelopePlace } from './envelope-place.ts';
import { traceName } from './trace-name.ts';

const { privateKey } = generateKeyPairSync('ed25519');
/** Some end as keys of the map do, heads of texts included. */
const name = fc.constantFrom('door', 'gsession', 'hsequence', 'session', 'sequence', 'x-gsession', 'a');
const names = fc.uniqueArray(name, { minLength: 1, maxLength: 4 });
const number = fc.oneof(
  fc.nat(300),
  fc.constantFrom(23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 52),
);
const timings = { prepareMs: 1, encryptMs: 2, evaluateMs: 3 };

describe('the trace of an envelope', () => {
  it('is the same by its numbers and by its bytes, whatever else is in them', () => {
    const kind = fc.constantFrom('one', 'others', 'later');
    fc.assert(
      fc.property(kind, names, names, number, number, (what, cameras, regions, session, sequence) => {
        const [camera, ...more] = cameras as [string, ...string[]];
        const about = (one: string, i: number) => ({ camera: one, regions, frameTimeMs: 10 + i });
        const others = what === 'others' && more.length > 0 ? { others: more.map(about) } : {};
        const later =
          what === 'later' && more.length > 0
            ? { later: more.map((one, i) => ({ ...about(one, i), readyTimeMs: 20, timings })) }
            : {};
        const place = { session: session + 1 > 2 ** 52 ? session : session + 1, sequence };
        const wire = encodeEnvelope(
          {
            schema: 'others' in others ? 2 : 'later' in later ? 3 : 1,
            ...{ site: 'gsession', gateway: 'hsequence', camera, regions, ...others, ...later, ...place },
            ...{ frameTimeMs: 10, readyTimeMs: 20, bundle: 'a'.repeat(64), interpreter: 'engine' },
            ...{ historical: false, timings, ciphertext: new Uint8Array(30_000).fill(7) },
          },
          privateKey,
        );
        expect(envelopePlace(wire)).toEqual(place);
      }),
    );
  });

  it('is none of bytes that are no envelope, and finding that out fails at nothing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(12), (bytes, length) => {
        const key = Buffer.from('gsession', 'latin1');
        for (const some of [bytes, Buffer.concat([key, bytes]), Buffer.concat([bytes, key]).subarray(length)])
          expect(envelopePlace(some)?.session ?? 0).toBeGreaterThanOrEqual(0);
      }),
    );
    const tooLarge = Buffer.concat([
      Buffer.from('gsession\x1b', 'latin1'),
      Buffer.alloc(8, 0xff),
      Buffer.from('hsequence\0', 'latin1'),
    ]);
    expect(envelopePlace(tooLarge)).toBeNull();
  });

  it('stays as it is from version to version, for gateways and backend are of different ones', () => {
    expect(traceName({ site: 'north', gateway: 'gate-1', session: 7, sequence: 41 })).toEqual({
      traceId: '1167a660e801f38552344197e61d5a9c',
      rootId: '2570a6536bc9f30f',
      point: 0.7459414751564815,
    });
  });

  it('is another one of each place', () => {
    const places = ['north', 'south'].flatMap((site) =>
      ['gate-1', 'gate-11'].flatMap((gateway) =>
        [1, 11].flatMap((session) =>
          [1, 11].map((sequence) => traceName({ site, gateway, session, sequence })),
        ),
      ),
    );
    expect(new Set(places.map(({ traceId }) => traceId)).size).toBe(places.length);
    expect(new Set(places.map(({ rootId }) => rootId)).size).toBe(places.length);
  });

  it('is chosen as often as the share says, and those of a smaller share are among those of a larger one', () => {
    const points = Array.from(
      { length: 20_000 },
      (_, sequence) => traceName({ site: 'north', gateway: 'gate-1', session: 7, sequence }).point,
    );
    for (const share of [0.01, 0.1, 0.5]) {
      const chosen = points.filter((point) => point < share).length;
      // The numbers are fixed: what is asked is five standard deviations.
      expect(Math.abs(chosen - share * points.length)).toBeLessThan(
        5 * Math.sqrt(points.length * share * (1 - share)),
      );
    }
    expect(points.every((point) => point >= 0 && point < 1)).toBe(true);
  });
});
