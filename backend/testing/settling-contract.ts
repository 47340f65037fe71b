import { describe, expect, it } from 'vitest';
import type { Database } from '../store/database.ts';
import type { ResultRecord } from '../store/results.ts';
import type { Store } from '../store/store.ts';

const GATEWAYS = 21;
const ROUNDS = 4;

/** Settles answers of made-up gateways, some of them late, twice, withheld or about regions; returns what was said meanwhile. */
async function settleMany(store: Store, prefix: string, result: ResultRecord): Promise<unknown[]> {
  const said: unknown[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < GATEWAYS; i++) {
      const [gateway, camera] = [`${prefix}-${i}`, `${prefix}-camera-${i}`];
      said.push((await store.gateways.sender(gateway))?.last);
      // Every fifth is late, every seventh comes twice.
      const sequence = i % 5 === 0 ? 10 - round : 10 + round;
      const isWithheld = i % 3 === 0;
      const regions = i % 4 === 0 ? ['left', 'right'] : undefined;
      const answers = (regions ?? [undefined]).map((region) => ({
        ...result.results[0]!,
        camera,
        ...(region !== undefined && { region }),
      }));
      const record = {
        ...{ ...result, gateway, camera, session: 1, sequence },
        ...{ withheld: isWithheld ? 'range' : null, results: isWithheld ? [] : answers },
      };
      for (let twice = i % 7 === 0 ? 2 : 1; twice > 0; twice--) {
        const added = await store.results.add(record);
        said.push(added);
        if (!added) continue;
        said.push(await store.gateways.advance(gateway, { session: 1, sequence }));
        await store.feed.add(gateway, 1, sequence);
        await store.publications.add(gateway, 1, sequence);
        const end = isWithheld && i % 2 === 0 ? 'company' : isWithheld;
        said.push(await store.cameras.noteAnswer(camera, regions, end, 5 + round));
        await store.challenges.noteDecrypted(gateway);
        const key = { gateway, model: 'digits', version: 1, number: 1 };
        await store.leaks.add(key, i % 2 ? 0.1 : 0.2, { bits: i % 3, most: round });
      }
    }
  }
  return said;
}

/** Columns that tell nothing about the order in which numbers were given. */
const TABLES = [
  'name, last_session, last_sequence FROM gateways ORDER BY name',
  'camera, withheld, recent FROM cameras ORDER BY camera',
  'gateway, session, sequence, digest, camera, frame_ms, stored_ms, withheld, result FROM results ORDER BY gateway, sequence',
  'gateway, session, sequence, region, camera, result FROM region_results ORDER BY gateway, sequence, region',
  'gateway, decrypted, equal, missing FROM audited_gateways ORDER BY gateway',
  'gateway, model, version, number, share, answers, telling, bits, most FROM leak_sums ORDER BY gateway, share',
  'gateway, session, sequence FROM feed ORDER BY id',
  'gateway, session, sequence FROM publications ORDER BY id',
];

/** All that is stored of gateways and cameras with a prefix, without it. */
async function storedOf(database: Database, prefix: string): Promise<unknown[]> {
  const tables: unknown[] = [];
  for (const table of TABLES) {
    const rows = (await database.all(`SELECT ${table}`)).map((row) => JSON.stringify(row));
    tables.push(
      rows.filter((row) => row.includes(`"${prefix}-`)).map((row) => row.replaceAll(`${prefix}-`, '')),
    );
  }
  return tables;
}

/** What is written at the end of a settlement is what would have been written on the way. */
export function describeSettling(
  at: () => { readonly store: Store; readonly database: Database },
  result: ResultRecord,
): void {
  const addGateways = async (prefix: string): Promise<readonly string[]> => {
    const { store } = at();
    const names = Array.from({ length: GATEWAYS }, (_, i) => `${prefix}-${i}`);
    for (const [i, name] of names.entries()) {
      await store.gateways.add({
        ...{ name, signingKey: 'key', certificateSerial: `${prefix}${i}` },
        ...{ certificateEndMs: 9, enrolledMs: 1 },
      });
      await store.cameras.claim(`${prefix}-camera-${i}`, name, 1);
    }
    return names;
  };

  describe('settling', () => {
    it('writes together what a transaction writes one by one', async () => {
      const { store, database } = at();
      await addGateways('plain');
      const late = await addGateways('later');
      // Of the last ones nothing is said before: they are read one by one.
      const gateways = late.slice(0, -2);
      const cameras = gateways.map((_, i) => `later-camera-${i}`);
      const before = await store.transaction((inside) => settleMany(inside, 'plain', result));
      const names = { gateways, cameras };
      const together = await store.settling((inside) => settleMany(inside, 'later', result), names);
      expect(together).toEqual(before);
      const stored = await storedOf(database, 'later');
      expect(stored).toEqual(await storedOf(database, 'plain'));
      for (const table of stored) expect(table).not.toEqual([]);
    });

    it('is done again, one by one, where a place was taken meanwhile', async () => {
      const { store } = at();
      const [name] = await addGateways('gate');
      await store.results.add({ ...result, gateway: name!, session: 1, sequence: 1 });
      const tried: boolean[][] = [];
      await store.settling(async (inside) => {
        const added: boolean[] = [];
        for (const sequence of [1, 2]) {
          added.push(await inside.results.add({ ...result, gateway: name!, session: 1, sequence }));
          if (added.at(-1)) await inside.counters.add('accepted');
        }
        tried.push(added);
      });
      expect(tried).toEqual([
        [true, true],
        [false, true],
      ]);
      expect(await store.counters.all()).toMatchObject({ accepted: 1 });
      expect(await store.results.digestAt(name!, 1, 2)).toBe(result.digest);
    });
  });
}
