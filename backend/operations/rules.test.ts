import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAX_RULES } from '#protocol/rule.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { SiteView } from '../results/site-view.ts';
import { classed, counted, type Said, settledAnswer } from '../testing/settled-answer.ts';
import { enrolTestGateway, keepTestModel, makeTestSite, type TestSite } from '../testing/test-site.ts';
import { enableRule, listRules, type RuleContext, removeRule, saveRule, testRule } from './rules.ts';

const BEGUN_MS = Date.parse('2026-01-10T12:00:00.000Z');
const EVENTS = { beginSeconds: 1, endSeconds: 5, silenceSeconds: 60, days: 90 };

let site: TestSite;
let context: RuleContext;
let clock: SimulatedClock;

/** Stores answers of a camera, each `stepSeconds` from a second on. */
async function store(
  camera: string,
  from: number,
  to: number,
  stepSeconds: number,
  said: (second: number) => Said,
) {
  await site.store.transaction(async (inside) => {
    for (let second = from; second < to; second += stepSeconds) {
      const frameMs = BEGUN_MS + second * 1000;
      const answer = settledAnswer(said(second), { camera, sequence: Math.round(second * 10) + 1, frameMs });
      await inside.results.add({ ...answer, gateway: `${camera}-box`, digest: 'd'.repeat(64) });
    }
  });
}

beforeAll(async () => {
  site = await makeTestSite();
  clock = new SimulatedClock(BEGUN_MS + 3600_000);
  for (const camera of ['door', 'yard']) {
    await enrolTestGateway(site, `${camera}-box`, '01', BEGUN_MS);
    await site.store.cameras.claim(camera, `${camera}-box`, 1);
  }
  await keepTestModel(site, 'counter');
  // Each ten minutes somebody is at the door for a minute, and answers come each 5 s.
  await store('door', 0, 3600, 5, (second) => ({
    ...classed(second % 600 < 60 ? 'present' : 'absent'),
    label: second % 600 < 60 ? 'occupied' : 'empty',
  }));
  await store('yard', 0, 1200, 20, (second) => counted(second % 40 < 20 ? 3 : 0));
  const view = new SiteView(site.name, site.store, clock);
  view.setBroker(true, 'connected');
  context = {
    site,
    config: { events: EVENTS, timeZone: 'Europe/Vienna' },
    state: await view.snapshot(),
    clock,
  };
});
afterAll(() => site.close());

const rule = (when: object, more: object = {}) => ({ name: 'test', when, ...more });
const at = (second: number) => new Date(BEGUN_MS + second * 1000).toISOString();

describe('the test of a rule', () => {
  it('tells when it would have been raised in the last day, and how often within an hour', async () => {
    const when = { kind: 'answer', cameras: ['door'], label: 'occupied', forSeconds: 30 };
    expect(await testRule(context, rule(when))).toEqual({
      ...{ from: at(3600 - 86_400), until: at(3600), answers: 720, count: 6, mostInAnHour: 6 },
      raised: [0, 1, 2, 3, 4, 5].map((i) => ({
        subject: 'door',
        at: at(i * 600 + 30),
        end: at(i * 600 + 65),
      })),
      ...{ holdsNow: [], doubts: [] },
    });
    const { raised } = await testRule(context, rule(when, { schedule: { from: '13:30', to: '13:45' } }));
    expect(raised.map((one) => one.at)).toEqual([at(1830), at(2430)]);
  });

  it('tells when nothing came', async () => {
    const when = { kind: 'absence', cameras: ['yard'], forSeconds: 600 };
    const { raised, answers } = await testRule(context, rule(when));
    expect(answers).toBe(60);
    // From the begin of the day that is looked at to the first answer, and after the last.
    expect(raised).toEqual([
      { subject: 'yard', at: at(3600 - 86_400 + 600), end: at(0) },
      { subject: 'yard', at: at(1780), end: null },
    ]);
  });

  it('tells of states what is so now, and that their past is not known', async () => {
    expect(
      await testRule(context, rule({ kind: 'gateway-state', gateways: 'all', states: ['unknown'] })),
    ).toMatchObject({
      ...{ answers: 0, count: 0, holdsNow: ['door-box', 'yard-box'], doubts: [] },
    });
  });

  it.each<[string, object, object, RegExp]>([
    [
      'a camera that is not there',
      { kind: 'unusual', cameras: ['dor'] },
      {},
      /no gateway has a camera dor; there are: door, yard/,
    ],
    [
      'a gateway that is not',
      { kind: 'drops', gateways: ['x'] },
      {},
      /there is no gateway x; there are: door-box, yard-box/,
    ],
    [
      'a label that no network has',
      { kind: 'answer', cameras: 'all', label: 'unicorn' },
      {},
      /no network has a label unicorn; there are: empty, occupied/,
    ],
    [
      'a zone that nobody drew',
      { kind: 'answer', cameras: 'all', zone: 'exit' },
      {},
      /none of its cameras has a zone exit/,
    ],
    [
      'a channel that is not there',
      { kind: 'unusual', cameras: 'all' },
      { notify: ['phone'] },
      /there is no channel phone; there are none/,
    ],
    [
      'each answer',
      { kind: 'answer', cameras: 'all', label: 'occupied' },
      { coolDownSeconds: 0 },
      /could be raised with every answer/,
    ],
    [
      'again and again',
      { kind: 'answer', cameras: ['yard'] },
      { coolDownSeconds: 20 },
      /would have been raised 30 times within an hour/,
    ],
    ['always', { kind: 'answer', cameras: 'all', atLeast: 0 }, {}, /at least 0 is always so/],
    ['never', { kind: 'answer', cameras: 'all', atLeast: 3, atMost: 2 }, {}, /it can never hold/],
    [
      'offline gateways where some never spoke',
      { kind: 'gateway-state', gateways: 'all', states: ['offline'] },
      {},
      /what has not said anything yet is unknown and not offline: door-box, yard-box/,
    ],
  ])('doubts a rule about %s, which is saved only if that is confirmed', async (_, when, more, doubt) => {
    const doubtful = rule(when, more);
    expect((await testRule(context, doubtful)).doubts.join()).toMatch(doubt);
    const saved = { author: 'anna', instead: 'new' } as const;
    await expect(saveRule(context, doubtful, saved)).rejects.toMatchObject({
      code: 'RULE_DOUBTFUL',
      message: expect.stringMatching(doubt),
    });
    await saveRule(context, doubtful, { ...saved, anyway: true });
    await removeRule(context, 'test');
  });

  it('refuses what is no rule, and names the field', async () => {
    const save = (value: unknown) => saveRule(context, value, { author: 'anna', instead: 'new' });
    await expect(save(rule({ kind: 'answer', cameras: [] }))).rejects.toMatchObject({
      code: 'RULE_INVALID',
      message: /^when\.cameras: /,
    });
    await expect(
      save({ ...rule({ kind: 'unusual', cameras: 'all' }), schedule: { from: '9', to: '10:00' } }),
    ).rejects.toThrow(/^schedule\.from: a time of day/);
    await expect(save('rule')).rejects.toMatchObject({ code: 'RULE_INVALID' });
  });

  it('ends where nobody waits for it any more', async () => {
    const when = { kind: 'answer', cameras: 'all' };
    await expect(testRule({ ...context, signal: AbortSignal.abort() }, rule(when))).rejects.toThrow(/abort/i);
  });
});

describe('rules', () => {
  const calm = (name: string) => ({ name, when: { kind: 'unusual', cameras: 'all' } });

  it('are saved, turned off and removed by name, and the journal says by whom', async () => {
    const saved = { author: 'anna', instead: 'new' } as const;
    await saveRule(context, calm('a'), saved);
    await expect(saveRule(context, calm('a'), saved)).rejects.toMatchObject({ code: 'RULE_EXISTS' });
    await expect(saveRule(context, calm('b'), { ...saved, instead: 'existing' })).rejects.toMatchObject({
      ...{ code: 'RULE_NOT_FOUND', message: 'there is no rule b; there are: a' },
    });
    await saveRule(context, { ...calm('a'), severity: 'info' }, { author: 'ben', instead: 'existing' });
    expect(await enableRule(context, 'a', false, 'anna')).toMatchObject({
      enabled: false,
      severity: 'info',
      author: 'anna',
    });
    expect(await listRules(site)).toHaveLength(1);
    await removeRule(context, 'a');
    await expect(removeRule(context, 'a')).rejects.toMatchObject({ code: 'RULE_NOT_FOUND' });
    expect((await site.store.journal.latest(2)).map(({ message }) => message)).toEqual([
      'rule a was removed',
      'rule a, turned off, was saved by anna: unusual pictures at any camera',
    ]);
  });

  it('are not without end', async () => {
    const saved = { author: 'anna', instead: 'new', anyway: true } as const;
    await site.store.transaction(async (inside) => {
      const view = await saveRule({ ...context, site: { store: inside } }, calm('n-0'), saved);
      const { changed, author, ...known } = view;
      for (let i = 1; i < MAX_RULES; i++) await inside.rules.put({ ...known, name: `n-${i}` }, 'anna', 1);
    });
    await expect(saveRule(context, calm('one-more'), saved)).rejects.toMatchObject({ code: 'RULES_FULL' });
  });
});
