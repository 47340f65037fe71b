import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ClassificationResult } from '#protocol/messages.ts';
import type { Database } from '../store/database.ts';
import { migrate } from '../store/migrations.ts';
import type { NewModel } from '../store/models.ts';
import type { ResultRecord } from '../store/results.ts';
import { Store } from '../store/store.ts';
import { describeAlerts } from './alerts-contract.ts';
import { describeDeployments } from './deployments-contract.ts';
import { describeEvents } from './events-contract.ts';
import { describeFeed } from './feed-contract.ts';
import { describeFleet } from './fleet-contract.ts';
import { describeHistory } from './history-contract.ts';
import { describeInbox } from './inbox-contract.ts';
import { describeRetention } from './retention-contract.ts';
import { describeSettling } from './settling-contract.ts';
import { describeShares } from './shares-contract.ts';

const DAY_MS = 86_400_000;

const MODEL: NewModel = {
  name: 'counter',
  version: 1,
  createdMs: 1_700_000_000_000,
  labels: ['empty', 'occupied'],
  ringDegree: 8192,
  logQP: 210.5,
  parts: [{ name: 'program', bytes: 12, sha256: 'a'.repeat(64) }],
  onnxSha256: 'b'.repeat(64),
  selfTest: { reference: 'c'.repeat(64) },
  answerBytes: 65_600,
  interpretation: {
    labels: ['empty', 'occupied'],
    expected: Int32Array.of(0, 1, -1, -2),
    unit: 1,
    range: 20,
    tolerance: 0.01,
  },
};

const ANSWER: ClassificationResult = {
  camera: 'door',
  ...{ model: 'counter', modelVersion: 1, label: 'empty' },
  probability: 0.9,
  probabilities: { empty: 0.9, occupied: 0.1 },
  frameTime: '2026-01-01T00:00:00.000Z',
  sequence: 7,
  historical: false,
  latencyMs: { prepare: 1, encrypt: 2, evaluate: 3, transport: 4, decrypt: 5, total: 15 },
};

const RESULT: ResultRecord = {
  gateway: 'gate',
  session: 2,
  sequence: 7,
  digest: 'd'.repeat(64),
  camera: 'door',
  model: 'counter',
  version: 1,
  frameMs: 1000,
  storedMs: 1500,
  withheld: null,
  results: [ANSWER],
};

/**
 * What every store must do, whatever database is below it.
 *
 * @param open makes a fresh, empty database.
 */
export function describeStore(name: string, open: () => Promise<Database>): void {
  describe(`store on ${name}`, () => {
    let database: Database;
    let store: Store;

    beforeEach(async () => {
      database = await open();
      await migrate(database);
      store = new Store(database);
    });
    afterEach(() => store.close());

    const enrol = (gateway = 'gate') =>
      store.gateways.add({
        name: gateway,
        signingKey: 'PEM',
        certificateSerial: '01',
        certificateEndMs: 9,
        enrolledMs: 5,
      });
    const item = (digest: string, gateway = 'gate') => ({
      digest,
      gateway,
      camera: 'door',
      receivedMs: 10,
      envelope: Uint8Array.of(1, 2, 3),
    });

    it('migrates twice without harm and refuses a newer schema', async () => {
      await migrate(database);
      await database.run('UPDATE schema_version SET version = 99');
      await expect(migrate(database)).rejects.toMatchObject({ code: 'STORE_TOO_NEW' });
    });

    it('rolls a failed transaction back completely', async () => {
      const failure = new Error('stop');
      await expect(
        store.transaction(async (inside) => {
          await inside.counters.add('accepted');
          await inside.journal.add({
            timeMs: 1,
            level: 'info',
            code: 'SITE_RESTORED',
            subject: 's',
            message: 'm',
          });
          throw failure;
        }),
      ).rejects.toBe(failure);
      expect(await store.counters.all()).toEqual({});
      expect(await store.journal.latest(10)).toEqual([]);
    });

    it('keeps concurrent transactions apart', async () => {
      await Promise.all(Array.from({ length: 20 }, () => store.settings.next('session')));
      await Promise.all(
        Array.from({ length: 20 }, () => store.transaction((inside) => inside.counters.add('accepted'))),
      );
      expect(await store.counters.all()).toEqual({ accepted: 20 });
      expect(Number(await store.settings.get('session'))).toBeGreaterThan(0);
    });

    it('keeps secrets as the bytes they are and refuses to replace one', async () => {
      const sealed = Uint8Array.from({ length: 256 }, (_, index) => index);
      await store.secrets.add('model/counter/1', sealed, 5);
      expect(Uint8Array.from((await store.secrets.get('model/counter/1'))!)).toEqual(sealed);
      await expect(store.secrets.add('model/counter/1', sealed, 6)).rejects.toThrow();
      expect(await store.secrets.get('nobody')).toBeNull();
      expect(await store.secrets.identities()).toEqual(['model/counter/1']);
    });

    it('gives models back as they were, newest version first', async () => {
      expect(await store.models.nextVersion('counter')).toBe(1);
      await store.models.add(MODEL);
      await store.models.add({ ...MODEL, version: 2 });
      expect(await store.models.nextVersion('counter')).toBe(3);
      expect(await store.models.get('counter', 1)).toEqual({
        ...MODEL,
        output: { output: 'rounded', step: 0.05 },
        retirement: null,
      });
      expect((await store.models.get('counter'))?.version).toBe(2);
      expect(await store.models.get('other')).toBeNull();
      expect(await store.models.list()).toHaveLength(2);
    });

    it('keeps what the answers of a model tell, also for its next version', async () => {
      await store.models.add(MODEL);
      expect(await store.models.setOutput('counter', 1, { output: 'event', equal: 4 })).toBe(true);
      expect(await store.models.setOutput('counter', 2, { output: 'label' })).toBe(false);
      await store.models.add({ ...MODEL, version: 2 });
      expect((await store.models.get('counter'))?.output).toEqual({ output: 'event', equal: 4 });
    });

    it('lets a gateway go forward only', async () => {
      expect(await enrol()).toBe(true);
      expect(await enrol()).toBe(false);
      const advance = (session: number, sequence: number, gateway = 'gate') =>
        store.gateways.advance(gateway, { session, sequence });
      expect(await advance(1, 0)).toBe(true);
      expect(await advance(1, 0)).toBe(false);
      expect(await advance(1, 5)).toBe(true);
      expect(await advance(1, 4)).toBe(false);
      expect(await advance(2, 0)).toBe(true);
      expect(await advance(1, 9)).toBe(false);
      expect(await advance(1, 1, 'nobody')).toBe(false);
      expect((await store.gateways.get('gate'))?.last).toEqual({ session: 2, sequence: 0 });
    });

    it('tells a gateway the lowest session that nobody under its name has begun', async () => {
      await enrol();
      const begin = (session: number, time: string) => store.gateways.begin('gate', session, time);
      expect(await begin(7, 'noon')).toBe(7);
      expect(await begin(7, 'noon'), 'a retained birth that comes again').toBe(7);
      expect(await begin(7, 'one'), 'a restored disk').toBe(8);
      expect(await begin(3, 'two')).toBe(8);
      expect(await begin(8, 'three')).toBe(8);
      expect(await store.gateways.begin('nobody', 5, 'noon')).toBe(5);
    });

    it('closes places of each session alone, and many sessions in little room', async () => {
      const covers = (session: number, sequence: number) =>
        store.floors.covers('gate', { session, sequence });
      await store.floors.raise('gate', [{ session: 9000, sequence: 50 }]);
      await store.floors.raise('gate', [{ session: 100, sequence: 4 }]);
      await store.floors.raise('gate', [{ session: 100, sequence: 2 }]);
      expect(await covers(100, 4)).toBe(true);
      expect(await covers(100, 5)).toBe(false);
      expect(await covers(9000, 50)).toBe(true);
      expect(await covers(9000, 51)).toBe(false);
      expect(await covers(4000, 1)).toBe(false);
      expect(await store.floors.covers('other', { session: 100, sequence: 4 })).toBe(false);

      const flood = Array.from({ length: 1000 }, (_, index) => ({ session: 20_000 + index, sequence: 3 }));
      for (const half of [flood.slice(0, 500), flood.slice(500)]) await store.floors.raise('gate', half);
      const [rows] = await database.all<{ count: number }>('SELECT COUNT(*) AS count FROM floors');
      expect(Number(rows!.count)).toBe(256);
      for (const { session } of flood) expect(await covers(session, 3), `session ${session}`).toBe(true);
      expect(await covers(20_999, 4)).toBe(false);
      expect(await covers(100, 5), 'sessions far from the flood stay open').toBe(false);
      expect(await covers(9000, 50)).toBe(true);
      expect(await covers(100, 4)).toBe(true);
    });

    it('keeps the floor of a store from before there was one for each session', async () => {
      const old = await open();
      await migrate(old, 5);
      await old.run(
        `INSERT INTO gateways (name, signing_key, certificate_serial, enrolled_ms, counter,
           last_session, last_sequence, floor_session, floor_sequence)
         VALUES ('gate', 'PEM', '01', 5, 0, 9, 4, 8, 7), ('fresh', 'PEM', '02', 5, 0, 0, -1, 0, -1)`,
      );
      await migrate(old);
      const { floors, gateways } = new Store(old);
      const covers = (session: number, sequence: number) => floors.covers('gate', { session, sequence });
      expect([await covers(8, 7), await covers(3, 99), await covers(8, 8)]).toEqual([true, true, false]);
      expect(await floors.covers('fresh', { session: 1, sequence: 0 })).toBe(false);
      expect((await gateways.get('gate'))?.certificateEndMs).toBe(5 + 5 * 365 * 86_400_000);
      expect(await gateways.begin('gate', 9, 'noon')).toBe(9);
      expect(await gateways.begin('gate', 4, 'one')).toBe(10);
      await old.close();
    });

    it('quarantines once, keeps the first reason, releases', async () => {
      await enrol();
      expect(await store.gateways.quarantine('gate', 'range', 7)).toBe(true);
      expect(await store.gateways.quarantine('gate', 'other', 8)).toBe(false);
      const gateway = (await store.gateways.get('gate'))!;
      expect(gateway.quarantine).toEqual({ sinceMs: 7, reason: 'range' });
      const { name, signingKey, formerSigningKey, enrolledMs, last } = gateway;
      const sender = { name, signingKey, formerSigningKey, enrolledMs, last, isQuarantined: true };
      expect(await store.gateways.sender('gate')).toEqual(sender);
      expect(await store.gateways.sender('nobody')).toBeNull();
      expect(await store.gateways.release('gate')).toBe(true);
      expect(await store.gateways.release('gate')).toBe(false);
      expect((await store.gateways.get('gate'))?.quarantine).toBeNull();
      expect(await store.gateways.sender('gate')).toEqual({ ...sender, isQuarantined: false });
    });

    it('keeps what came of a gateway in quarantine apart, within its bound, and brings it back in order', async () => {
      await enrol();
      const inbound = { items: 10, bytes: 1000, siteBytes: 1000 };
      const bound = { items: 2, bytes: 1000, siteBytes: 1000 };
      const arrival = { gateway: 'gate', camera: 'door', receivedMs: 5 };
      for (const byte of [1, 2, 3]) {
        const envelope = Uint8Array.of(byte, 0);
        await store.inbox.add({ ...arrival, digest: `${byte}`, envelope }, inbound);
        const item = (await store.inbox.first())!;
        expect(item).toMatchObject({ attempts: 0 });
        await store.inbox.beginAttempts([item.id]);
        await store.transaction(async (inside) => {
          await inside.inbox.remove([item.id]);
          const kept = await inside.held.add({ ...item, attempts: 1 }, bound);
          expect(kept).toEqual({ added: true, dropped: byte === 3 ? 1 : 0 });
          expect((await inside.held.add(item, bound)).added).toBe(false);
        });
      }
      expect(await store.inbox.count()).toBe(0);
      expect(await store.held.usage()).toEqual([{ gateway: 'gate', items: 2, bytes: 4, dropped: 1 }]);
      await store.gateways.quarantine('gate', 'a look', 7);
      expect(await store.held.takeBack(10, 200)).toBe(0);
      await store.gateways.release('gate');
      expect(await store.held.takeBack(1, 200)).toBe(1);
      const first = await store.inbox.first();
      expect(first).toMatchObject({ ...arrival, digest: '2', attempts: 1 });
      expect(Uint8Array.from(first!.envelope)).toEqual(Uint8Array.of(2, 0));
      // The third comes once more, and waits in the inbox already when what was kept comes back.
      await store.inbox.add({ ...arrival, digest: '3', envelope: Uint8Array.of(3, 0) }, inbound);
      expect(await store.held.takeBack(10, 200)).toBe(1);
      expect(await store.inbox.count()).toBe(2);
      expect(await store.held.count('gate')).toBe(0);
      expect(await store.held.discard('gate')).toBe(0);
    });

    it('remembers of each camera how its newest answers ended', async () => {
      await enrol();
      await store.cameras.claim('door', 'gate', 1);
      const note = (withheld: boolean, regions?: string[]) =>
        store.cameras.noteAnswer('door', regions, withheld, 9);
      for (let i = 0; i < 7; i++) expect(await note(true, ['a', 'b'])).toEqual([]);
      expect(await note(false)).toEqual([]);
      expect(await note(true, ['b'])).toMatchObject([{ region: 'b', unusual: true }]);
      expect(await store.cameras.withheld()).toEqual([
        { camera: 'door', withheld: 8, unusual: [{ region: 'b', sinceMs: 9 }] },
      ]);
      expect(await store.cameras.noteAnswer('nobody', undefined, true, 1)).toEqual([]);
    });

    it('hands out release counters that strictly increase', async () => {
      await enrol();
      const counters = await Promise.all(Array.from({ length: 8 }, () => store.gateways.nextCounter('gate')));
      expect([...counters].sort((a, b) => a! - b!)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
      expect(await store.gateways.nextCounter('nobody')).toBeNull();
    });

    it('gives a camera to whom claims it first', async () => {
      await enrol('one');
      await enrol('two');
      expect(await store.cameras.claim('door', 'one', 1)).toBe('one');
      expect(await store.cameras.claim('door', 'two', 2)).toBe('one');
      expect(await store.cameras.claim('yard', 'two', 2)).toBe('two');
      expect(await store.cameras.list()).toEqual([
        { camera: 'door', gateway: 'one' },
        { camera: 'yard', gateway: 'two' },
      ]);
      for (let number = 1; number < 64; number++) await store.cameras.claim(`yard-${number}`, 'two', 2);
      expect(await store.cameras.claim('one-too-many', 'two', 2)).toBeNull();
      expect(await store.cameras.claim('one-too-many', 'one', 2)).toBe('one');
    });

    it('lists the cameras that gateways have now, and keeps the others for them', async () => {
      await enrol('one');
      await enrol('two');
      for (const camera of ['door', 'yard']) await store.cameras.claim(camera, 'one', 1);
      await store.cameras.claim('gate', 'two', 1);
      const listed = async () => (await store.cameras.list()).map(({ camera }) => camera);
      await store.cameras.setPresent('one', ['yard'], 2);
      expect(await listed()).toEqual(['gate', 'yard']);
      expect(await store.cameras.claim('door', 'two', 3)).toBe('one');
      expect(await store.cameras.claim('door', 'one', 3)).toBe('one');
      expect(await listed()).toEqual(['gate', 'yard']);
      await store.cameras.setPresent('one', ['door', 'gate'], 4);
      expect(await listed()).toEqual(['door', 'gate']);
    });

    describeDeployments(() => store, MODEL, enrol);
    describeFleet(() => ({ store, database }), open);
    describeShares(() => ({ store }));
    describeInbox(() => ({ store }));
    describeSettling(() => ({ store, database }), RESULT);
    describeAlerts(() => store);
    describeEvents(() => store);
    describeRetention(() => ({ store, database }), RESULT);
    describeHistory(() => ({ store, database }), RESULT, open);
    describeFeed(() => ({ store, database }), RESULT, ANSWER);

    it('keeps envelopes in order of arrival, each once, up to the bound of each gateway', async () => {
      const bound = { items: 2, bytes: 100, siteBytes: 1000 };
      expect(await store.inbox.add(item('a'), bound)).toBe('stored');
      expect(await store.inbox.add(item('a'), bound)).toBe('present');
      expect(await store.inbox.add(item('b'), bound)).toBe('stored');
      expect(await store.inbox.add(item('c'), bound)).toBe('full');
      expect(await store.inbox.add(item('b', 'other'), bound)).toBe('stored');
      expect(await store.inbox.add(item('c', 'other'), { ...bound, items: 9, bytes: 5 })).toBe('full');
      const first = (await store.inbox.first())!;
      expect(first).toMatchObject({
        digest: 'a',
        attempts: 0,
        gateway: 'gate',
        camera: 'door',
        receivedMs: 10,
      });
      expect([...first.envelope]).toEqual([1, 2, 3]);
      await store.inbox.beginAttempts([first.id]);
      expect((await store.inbox.first())?.attempts).toBe(1);
      await store.inbox.remove([first.id]);
      expect((await store.inbox.first())?.digest).toBe('b');
      expect(await store.inbox.count()).toBe(2);
    });

    it('makes room in the inbox with what leaves it, and bounds all gateways together', async () => {
      const bound = { items: 1, bytes: 3, siteBytes: 6 };
      for (const round of ['a', 'b', 'c']) {
        expect(await store.inbox.add(item(round), bound)).toBe('stored');
        expect(await store.inbox.add(item('x'), bound)).toBe('full');
        expect(await store.inbox.add(item(round, 'other'), bound)).toBe('stored');
        expect(await store.inbox.add(item(round, 'third'), bound)).toBe('site-full');
        for (let left = 2; left > 0; left--) {
          expect(await store.inbox.count()).toBe(left);
          const { id } = (await store.inbox.first())!;
          await store.inbox.remove([id]);
          await store.inbox.remove([id]);
        }
      }
      expect(await store.inbox.count()).toBe(0);
    });

    it('does not count what a transaction took back', async () => {
      const bound = { items: 1, bytes: 3, siteBytes: 3 };
      await expect(
        store.transaction(async (inside) => {
          await inside.inbox.add(item('a'), bound);
          throw new Error('disk full');
        }),
      ).rejects.toThrow('disk full');
      expect(await store.inbox.add(item('b'), bound)).toBe('stored');
    });

    it('knows what waited in a store of before the bound had a row of its own', async () => {
      const old = await open();
      await migrate(old, 2);
      const insert = `INSERT INTO inbox (gateway, digest, camera, received_ms, attempts, envelope) VALUES ('gate', ?, 'door', 1, 0, ?)`;
      for (const digest of ['a', 'b']) await old.run(insert, digest, Uint8Array.of(1, 2, 3));
      await migrate(old);
      const { inbox } = new Store(old);
      expect(await inbox.count()).toBe(2);
      const bound = { items: 9, bytes: 8, siteBytes: 99 };
      expect(await inbox.add(item('c'), bound)).toBe('full');
      expect(await inbox.add(item('c'), { ...bound, bytes: 9 })).toBe('stored');
      await old.close();
    });

    it('stores a result once and keeps the first', async () => {
      expect(await store.results.add(RESULT)).toBe(true);
      expect(await store.results.add({ ...RESULT, digest: 'e'.repeat(64) })).toBe(false);
      expect(await store.results.digestAt('gate', 2, 7)).toBe(RESULT.digest);
      expect(await store.results.digestAt('gate', 2, 8)).toBeNull();
      expect(await store.results.latest('door')).toEqual(ANSWER);
      expect(await store.results.latestRegions('door')).toEqual([]);
    });

    it('answers history ascending, without withheld ones, and forgets on request', async () => {
      await enrol();
      for (const [sequence, frameMs] of [300, 100, 200].entries()) {
        // Each on a day of its own.
        await store.results.add({ ...RESULT, sequence, frameMs, storedMs: frameMs * DAY_MS });
      }
      const unknown = { ...RESULT, withheld: 'range', storedMs: 300 * DAY_MS, results: [] };
      await store.results.add({ ...unknown, sequence: 9, frameMs: 250 });
      const times = async (sinceMs: number, limit: number, beforeMs = 301) =>
        (await store.results.history('door', { sinceMs, beforeMs }, limit)).map((row) => row.frameMs);
      expect(await times(0, 10)).toEqual([100, 200, 300]);
      expect(await times(150, 10)).toEqual([200, 300]);
      expect(await times(0, 10, 300)).toEqual([100, 200]);
      expect(await times(0, 2)).toEqual([200, 300]);
      await store.results.add({ ...unknown, sequence: 10, frameMs: 251 });
      await store.results.add({ ...unknown, sequence: 11, frameMs: 420 });
      const withheld = (limit: number, beforeMs: number) =>
        store.results.withheldTimes('door', { sinceMs: 0, beforeMs }, 100, limit);
      expect(await withheld(9, 421)).toEqual([251, 420]);
      expect(await withheld(1, 421)).toEqual([420]);
      expect(await withheld(9, 420)).toEqual([251]);
      expect(await store.results.removeBefore(250 * DAY_MS)).toBe(2);
      expect(await times(0, 10)).toEqual([300]);
      expect(await store.floors.covers('gate', { session: 2, sequence: 2 })).toBe(true);
      expect(await store.floors.covers('gate', { session: 2, sequence: 3 })).toBe(false);
    });

    it('stores the answers about all regions of an envelope at once, and once', async () => {
      await enrol();
      const answers = (time: number) =>
        ['left', 'right'].map((region) => ({ ...ANSWER, region, sequence: time, probability: time / 1000 }));
      for (const time of [100, 300, 200]) {
        const record = {
          ...RESULT,
          sequence: time,
          frameMs: time,
          storedMs: time * DAY_MS,
          results: answers(time),
        };
        expect(await store.results.add(record)).toBe(true);
        expect(await store.results.add({ ...record, results: [{ ...ANSWER, region: 'other' }] })).toBe(false);
      }
      expect(await store.results.latest('door')).toBeNull();
      const latest = await store.results.latestRegions('door');
      expect(latest.map(({ region, sequence }) => [region, sequence])).toEqual([
        ['left', 300],
        ['right', 300],
      ]);
      const sequences = async (region?: string) =>
        (await store.results.history('door', { sinceMs: 0, beforeMs: 1000 }, 2, region)).map(
          ({ result }) => result.sequence,
        );
      expect(await sequences('right')).toEqual([200, 300]);
      expect(await sequences('other')).toEqual([]);
      expect(await sequences()).toEqual([]);
      expect(await store.results.digestAt('gate', 2, 300)).toBe(RESULT.digest);
      expect(await store.results.removeBefore(250 * DAY_MS)).toBe(2);
      expect(await sequences('left')).toEqual([300]);
    });

    it('gives back in order what is to be published, with the answers that are still known', async () => {
      await store.results.add(RESULT);
      const regions = ['left', 'right'].map((region) => ({ ...ANSWER, region }));
      await store.results.add({ ...RESULT, sequence: 8, results: regions });
      expect(await store.publications.newest()).toBe(0);
      for (const sequence of [8, 7, 99]) await store.publications.add('gate', 2, sequence);
      const [first, second, third, ...more] = await store.publications.after(0, 10);
      expect([first?.results, second?.results, third?.results, more]).toEqual([regions, [ANSWER], [], []]);
      expect(await store.publications.newest()).toBe(third!.id);
      expect(await store.publications.removeTo(second!.id)).toBe(2);
      expect((await store.publications.after(0, 10)).map(({ id }) => id)).toEqual([third!.id]);
      await store.publications.removeTo(third!.id);
      await store.publications.add('gate', 2, 7);
      expect(await store.publications.newest(), 'ids are never used again').toBeGreaterThan(third!.id);
    });
  });
}
