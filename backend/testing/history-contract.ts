import { describe, expect, it } from 'vitest';
import type { Result } from '#protocol/messages.ts';
import { createLogger } from '#runtime/log.ts';
import { FollowService } from '../follow/follow-service.ts';
import { type ExportRequest, exportHistory } from '../history/export-history.ts';
import { readHistory } from '../history/read-history.ts';
import { readLines } from '../history/read-lines.ts';
import { RollUps } from '../history/roll-ups.ts';
import type { Database } from '../store/database.ts';
import { migrate } from '../store/migrations.ts';
import type { ResultRecord } from '../store/results.ts';
import type { RollUpLevel } from '../store/roll-up-level.ts';
import { Store } from '../store/store.ts';
import type { StoredAnswer } from '../store/stored-answers.ts';
import { CrashingDatabase } from './crashing-database.ts';

const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });

/** The beginning of an hour, in the middle of a day. */
const NOON = Date.UTC(2026, 2, 29, 12);
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAYS = { minuteDays: 31, hourDays: 400, dayDays: 3660 };

type Told = Partial<Result> & { readonly region?: string };

/**
 * What every store must do with answers that are added up.
 *
 * @param opened the store of this test, empty, and its database
 * @param answer one about the whole picture of `door`, as it is stored
 * @param open makes another empty database
 */
export function describeHistory(
  opened: () => { readonly store: Store; readonly database: Database },
  answer: ResultRecord,
  open: () => Promise<Database>,
): void {
  describe('the history', () => {
    let sequence = 0;
    const clock = { now: () => NOON, monotonic: () => 0, sleep: async () => {} };
    const storeAnswer = async (
      frameMs: number,
      told: readonly Told[],
      changes: Partial<ResultRecord> = {},
    ) => {
      sequence++;
      const common = { ...answer.results[0]!, sequence, frameTime: new Date(frameMs).toISOString() };
      const {
        label: _,
        probability: __,
        probabilities: ___,
        ...bare
      } = common as Extract<Result, { label: string }>;
      const results = told.map((one) => ({ ...bare, ...one }) as Result);
      const record = { ...answer, sequence, frameMs, storedMs: NOON, ...changes, results };
      await opened().store.results.add(record);
      return record;
    };
    const settle = async (...given: Parameters<typeof storeAnswer>) => {
      const { gateway, session, sequence: number } = await storeAnswer(...given);
      await opened().store.feed.add(gateway, session, number);
    };
    const present = (share: number): Told => ({
      label: share > 0.5 ? 'present' : 'absent',
      probabilities: { absent: 1 - share, present: share },
    });
    const follow = (rollUps = new RollUps(DAYS), store = opened().store) =>
      new FollowService({ store, followers: [rollUps], clock, log });
    /** Answers of each slot of a level, by camera and model or region. */
    const counted = async (level: RollUpLevel) => {
      const { rollUps } = opened().store;
      const lines = new Map((await rollUps.lines()).map((line) => [line.id, line]));
      return (await rollUps.all(level, 0, 2 ** 31 - 1)).map(({ start, line: id, rollUp }) => {
        const { camera, region, task } = lines.get(id)!;
        return [start, [camera, region, task].join(' '), rollUp.answers];
      });
    };
    const read = (minutes: number, about: { region?: string; camera?: string } = {}) =>
      readHistory(
        opened().store,
        {
          ...{ camera: 'door', sinceMs: NOON - minutes * MINUTE_MS, untilMs: NOON + HOUR_MS - 1 },
          ...about,
          signal: new AbortController().signal,
        },
        DAYS,
      );

    it('adds answers up by minute, hour and day, each where its picture belongs', async () => {
      await settle(NOON, [present(0.9)]);
      await settle(NOON + 59_999, [present(0.2)]);
      await settle(NOON + 60_000, [], { withheld: 'range' });
      await settle(NOON + 61_000, [present(1)]);
      const rollUps = new RollUps(DAYS);
      const service = follow(rollUps);
      await service.round();
      // One that waited in an outbox, when others have been added up.
      await settle(NOON - 13 * HOUR_MS, [{ ...present(0.6), historical: true }]);
      await settle(NOON + 30_000, [present(0.4)]);
      await service.round();
      const [minute, hour, day] = [NOON / MINUTE_MS, NOON / HOUR_MS, Math.floor(NOON / (24 * HOUR_MS))];
      const [plain, withheld] = ['door  classification', 'door  withheld'];
      expect(await counted('minute')).toEqual([
        [minute - 13 * 60, plain, 1],
        [minute, plain, 3],
        [minute + 1, plain, 1],
        [minute + 1, withheld, 1],
      ]);
      expect(await counted('hour')).toEqual([
        [hour - 13, plain, 1],
        [hour, plain, 4],
        [hour, withheld, 1],
      ]);
      expect(await counted('day')).toEqual([
        [day - 1, plain, 1],
        [day, plain, 4],
        [day, withheld, 1],
      ]);
      const history = await read(24 * 60);
      expect(history).toMatchObject({
        ...{ labels: ['absent', 'present'], slotMs: MINUTE_MS, answers: [1, 3, 1] },
        times: [NOON - 13 * HOUR_MS, NOON, NOON + MINUTE_MS],
        withheld: [NOON + MINUTE_MS],
        probabilities: [
          [0.4, 0.5, 0],
          [0.6, 0.5, 1],
        ],
        slots: { least: [expect.anything(), [0.6, 0.2, 1]], most: [expect.anything(), [0.6, 0.9, 1]] },
      });
      expect(history.slots?.held).toEqual([
        [0, 2, 0],
        [1, 1, 1],
      ]);
      // The hour is over; then an answer comes that was under way, and the clock is set back.
      await opened().store.transaction((inside) => rollUps.tick(inside, NOON + 2 * HOUR_MS));
      const open = 'SELECT COUNT(*) AS count FROM open_roll_ups';
      expect(await opened().database.all(open), 'the day is open').toEqual([{ count: 2 }]);
      expect(await read(24 * 60)).toEqual(history);
      await settle(NOON + 61_500, [present(1)]);
      await service.round();
      expect((await counted('minute')).slice(2)).toEqual([
        [minute + 1, plain, 2],
        [minute + 1, withheld, 1],
      ]);
      expect((await counted('hour')).slice(1)).toEqual([
        [hour, plain, 5],
        [hour, withheld, 1],
      ]);
      expect(await read(7 * 24 * 60)).toMatchObject({ slotMs: 10 * MINUTE_MS, answers: [1, 5] });
      expect(await read(30 * 24 * 60)).toMatchObject({ slotMs: HOUR_MS, answers: [1, 5] });
      expect(await read(24 * 60, { camera: 'nobody' })).toMatchObject({ labels: [], times: [] });
      expect(await read(0), 'an hour is told answer by answer').toMatchObject({
        slotMs: 0,
        answers: [1, 1, 1, 1, 1],
      });
    });

    it('keeps regions and networks apart, and joins those that tell of the same labels', async () => {
      const other = { model: 'other', version: 1 };
      await settle(NOON - 3 * HOUR_MS, [{ task: 'map', counts: { present: 2 } }]);
      await settle(NOON - 2 * HOUR_MS, [{ label: 'x', probabilities: { x: 1, y: 0 }, model: 'third' }]);
      await settle(NOON - HOUR_MS, [{ label: 'present', probabilities: { present: 1, crowd: 0 }, ...other }]);
      await settle(NOON, [present(0.25)]);
      for (const region of ['left', 'right'])
        await settle(NOON, [{ task: 'count', counts: { car: region === 'left' ? 3 : 0 }, region }]);
      await follow().round();
      expect(await read(24 * 60)).toMatchObject({
        labels: ['absent', 'present', 'crowd'],
        times: [NOON - HOUR_MS, NOON],
        probabilities: [
          [0, 0.75],
          [1, 0.25],
          [0, 0],
        ],
      });
      expect(await read(24 * 60, { region: 'left' })).toMatchObject({
        ...{ task: 'count', labels: ['car'], counts: [[3]], probabilities: [] },
        slots: { held: [[1]] },
      });
      await opened().store.gateways.add({
        ...{ name: 'gate', signingKey: 'PEM', certificateSerial: '1', certificateEndMs: 9, enrolledMs: 5 },
      });
      expect(await readLines(opened().store, { minutes: 60, points: 60, nowMs: NOON }, DAYS)).toMatchObject({
        lines: [],
      });
      await opened().store.cameras.claim('door', 'gate', 1);
      const small = await readLines(opened().store, { minutes: 120, points: 60, nowMs: NOON }, DAYS);
      expect(small).toMatchObject({ sinceMs: NOON - 118 * MINUTE_MS, slotMs: 2 * MINUTE_MS, points: 60 });
      expect(small.lines.map(({ camera, region, labels }) => [camera, region, labels])).toEqual([
        ['door', undefined, ['absent', 'present']],
        ['door', 'left', ['car']],
        ['door', 'right', ['car']],
      ]);
      expect(small.lines[1]).toMatchObject({
        answers: [...Array(59).fill(0), 1],
        most: [[...Array(59).fill(null), 3]],
      });
    });

    it('keeps nothing of more regions than a camera may have, and says so', async () => {
      const { store } = opened();
      for (let answers = 0; answers < 5; answers++) {
        const regions = Array.from({ length: 64 }, (_, index) => `r${answers % 4}-${index}`);
        await settle(NOON, [
          ...regions.map((region) => ({ ...present(1), region })),
          ...(answers === 3 ? [present(1)] : []),
        ]);
      }
      await follow().round();
      const lines = await store.rollUps.lines();
      expect(lines).toHaveLength(2 * 64 + 1);
      expect((await counted('day')).map(([, , many]) => many).sort()).toEqual([
        ...Array(65).fill(1),
        ...Array(64).fill(2),
      ]);
      const [entry] = await store.journal.latest(1);
      expect(entry).toMatchObject({
        code: 'REGIONS_OMITTED',
        subject: 'door',
        message: expect.stringContaining('128'),
      });
    });

    it('lets an event hold until the next, and none where no answers came', async () => {
      const event = (label: string): Told => ({ label, output: 'event' });
      await settle(NOON, [event('open')]);
      for (let minutes = 1; minutes < 4; minutes++) await settle(NOON + minutes * MINUTE_MS, []);
      await settle(NOON + 4 * MINUTE_MS, [event('shut')]);
      const rollUps = new RollUps(DAYS);
      await follow(rollUps).round();
      // As after a start: what holds is read again.
      rollUps.reset();
      await settle(NOON + 5 * MINUTE_MS, []);
      await settle(NOON + 6 * MINUTE_MS, [], { version: 9 });
      await follow(rollUps).round();
      expect(await read(24 * 60)).toMatchObject({
        ...{ output: 'label', labels: ['open', 'shut'] },
        times: [0, 1, 2, 3, 4, 5].map((minutes) => NOON + minutes * MINUTE_MS),
        probabilities: [
          [1, 1, 1, 1, 0, 0],
          [0, 0, 0, 0, 1, 1],
        ],
      });
    });

    it('counts each answer once, wherever its transaction ends', async () => {
      const crashing = new CrashingDatabase(opened().database);
      const rollUps = new RollUps(DAYS);
      const service = follow(rollUps, new Store(crashing));
      let total = 0;
      for (let instants = 0; instants < 24; instants++) {
        await settle(NOON + instants * 7000, [present(0.5), { ...present(1), region: 'left' }]);
        total++;
        crashing.crashAfter(instants);
        await service.round();
        crashing.crashAfter(Number.POSITIVE_INFINITY);
        await service.round();
        const sums = await counted('day');
        expect(
          sums.map(([, , answers]) => answers),
          `after ${instants} instants`,
        ).toEqual([total, total]);
      }
    });

    it('adds up what was stored before, some at a time, without what was refused', async () => {
      const { store } = opened();
      for (let minutes = 0; minutes < 10; minutes++)
        await storeAnswer(NOON + minutes * MINUTE_MS, [present(0.5)], { storedMs: 1000 + (minutes >> 1) });
      await storeAnswer(NOON, [], { withheld: 'out-of-range', storedMs: 1001 });
      await storeAnswer(NOON, [], { withheld: 'ciphertext', storedMs: 1001 });
      const stored = [];
      let beforeMs = 1004;
      while (beforeMs > 0) {
        const { answers, sinceMs } = await store.feed.storedBefore(beforeMs, 3);
        stored.push(answers.map(({ frameMs }) => (frameMs - NOON) / MINUTE_MS));
        expect(sinceMs).toBeLessThan(beforeMs);
        beforeMs = sinceMs;
      }
      expect(stored.flat().sort((a, b) => a - b)).toEqual([0, 0, 1, 2, 3, 4, 5, 6, 7]);
      expect(stored.length).toBeGreaterThan(2);
      await store.settings.set('history.built-before', '1004');
      const rollUps = new RollUps(DAYS);
      for (let ticks = 0; ticks < 3; ticks++) await store.transaction((inside) => rollUps.tick(inside, NOON));
      const [first, second, ...more] = (await counted('hour')).map(([, about, answers]) => [about, answers]);
      expect([first, second].sort()).toEqual([
        ['door  classification', 8],
        ['door  withheld', 1],
      ]);
      expect(more).toEqual([]);
      expect((await store.journal.latest(9)).map(({ code }) => code)).toEqual(['HISTORY_BUILT']);
    });

    it('begins with what a store from before there were roll-ups holds', async () => {
      const old = await open();
      await migrate(old, 31);
      for (const sequence of [1, 2])
        await old.run(
          `INSERT INTO results (gateway, session, sequence, digest, camera, model, version, frame_ms, stored_ms, result)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
          ...[
            answer.gateway,
            answer.session,
            sequence,
            answer.digest,
            answer.camera,
            answer.model,
            answer.version,
          ],
          ...[NOON, NOON + sequence, JSON.stringify(answer.results[0])],
        );
      await migrate(old);
      const store = new Store(old);
      const rollUps = new RollUps(DAYS);
      const service = follow(rollUps, store);
      await store.results.add({ ...answer, sequence: 3, frameMs: NOON, storedMs: NOON + 3 });
      await store.feed.add(answer.gateway, answer.session, 3);
      await service.round();
      await store.transaction((inside) => rollUps.tick(inside, NOON));
      const [day, ...more] = await store.rollUps.all('day', 0, 2 ** 31 - 1);
      expect([day?.rollUp.answers, more]).toEqual([3, []]);
      await store.close();
    });

    it('forgets each level when its time is over, some at a time', async () => {
      const { store } = opened();
      for (let minutes = 0; minutes < 6; minutes++) await settle(NOON + minutes * MINUTE_MS, [present(0.5)]);
      await follow().round();
      await store.rollUps.close('minute', NOON / MINUTE_MS + 6);
      expect(await store.rollUps.removeSomeBefore('minute', NOON / MINUTE_MS + 5, 2)).toBe(true);
      expect(await counted('minute')).toHaveLength(3);
      const later = async (days: number) => {
        const rollUps = new RollUps({ minuteDays: 2, hourDays: 40, dayDays: 400 });
        await store.transaction((inside) => rollUps.tick(inside, NOON + days * 24 * HOUR_MS));
        const levels = await Promise.all([counted('minute'), counted('hour'), counted('day')]);
        return [...levels.map(({ length }) => length), (await store.rollUps.lines()).length];
      };
      expect(await later(1)).toEqual([3, 1, 1, 1]);
      expect(await later(3)).toEqual([0, 1, 1, 1]);
      expect(await later(41)).toEqual([0, 0, 1, 1]);
      expect(await later(410)).toEqual([0, 0, 0, 0]);
    });

    it('exports each answer once, and slots, in pieces', async () => {
      const { store } = opened();
      // More than a page, many about pictures of the same moment.
      await store.transaction(async (inside) => {
        for (let index = 0; index < 1100; index++) {
          sequence++;
          const record = { ...answer, sequence, frameMs: NOON + Math.floor(index / 400), storedMs: NOON };
          await inside.results.add({ ...record, results: [{ ...answer.results[0]!, sequence }] });
        }
      });
      await settle(NOON + HOUR_MS, [], { withheld: 'range' });
      await settle(NOON + HOUR_MS, [
        { ...present(1), region: 'left' },
        { task: 'count', counts: { '=cmd': 2 }, region: 'right' },
      ]);
      await follow().round();
      const exported = async (about: Partial<ExportRequest>) => {
        const span = { camera: 'door', fromMs: NOON, beforeMs: NOON + 2 * HOUR_MS };
        const how = { by: 'answer', format: 'json', signal: new AbortController().signal } as const;
        let text = '';
        for await (const piece of exportHistory(store, { ...span, ...how, ...about })) text += piece;
        return text;
      };
      const answers = JSON.parse(await exported({})) as StoredAnswer[];
      expect(new Set(answers.map((one) => one.sequence)).size).toBe(1102);
      expect(answers).toHaveLength(1102);
      expect(answers.slice(-2)).toMatchObject([
        { withheld: 'range', results: [] },
        { withheld: null, results: [{ region: 'left' }, { region: 'right', counts: { '=cmd': 2 } }] },
      ]);
      const lines = (await exported({ format: 'csv' })).split('\r\n');
      expect(lines).toHaveLength(1 + 1103 + 1);
      expect(lines[0]).toMatch(/^time,camera,region,/);
      expect(lines.at(-3)).toMatch(/door,left,gate,2,\d+,counter,1,,present,"{""absent"":0,""present"":1}"$/);
      expect(lines.at(-2)).toMatch(/,right,.*,2 =cmds,"{""=cmd"":2}"$/);
      const noon = new Date(NOON + HOUR_MS).toISOString();
      expect((await exported({ by: 'hour', format: 'csv' })).split('\r\n').slice(1)).toEqual([
        `${noon},3600,door,,,withheld,,1,,,,`,
        `${noon},3600,door,left,counter,classification,absent,1,0,0,0,0`,
        `${noon},3600,door,left,counter,classification,present,1,1,1,1,1`,
        `${noon},3600,door,right,counter,count,'=cmd,1,1,2,2,2`,
        '',
      ]);
      expect(JSON.parse(await exported({ by: 'minute', fromMs: 0, beforeMs: 2 ** 50 }))).toMatchObject([
        { withheld: 1 },
        { region: 'left', labels: [{ label: 'absent' }, { label: 'present', held: 1, mean: 1 }] },
        { region: 'right' },
      ]);
      expect(JSON.parse(await exported({ by: 'day', fromMs: NOON + 3 * 24 * HOUR_MS }))).toEqual([]);
      expect(JSON.parse(await exported({ beforeMs: NOON }))).toEqual([]);
      await expect(exported({ camera: 'nobody' })).rejects.toMatchObject({ code: 'CAMERA_NOT_FOUND' });
      await expect(exported({ signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
    });

    it('knows the counters of a day ago', async () => {
      const { counters } = opened().store;
      expect(await counters.at(100)).toBeNull();
      await counters.noteHour(100);
      await counters.add('accepted', 5);
      await counters.noteHour(100);
      await counters.noteHour(101);
      await counters.add('accepted', 2);
      await counters.noteHour(103);
      expect(await counters.at(99), 'the nearest that is known').toEqual({});
      expect(await counters.at(100)).toEqual({});
      expect(await counters.at(102)).toEqual({ accepted: 5 });
      expect(await counters.at(110)).toEqual({ accepted: 7 });
      await counters.noteHour(160);
      expect(await counters.at(101)).toEqual({ accepted: 7 });
      // A clock that was set back.
      await counters.noteHour(120);
      expect(await counters.at(130)).toEqual({ accepted: 7 });
    });
  });
}
