import { describe, expect, it } from 'vitest';
import { Rule } from '#protocol/rule.ts';
import { classed, counted, type Said, settledAnswer } from '../testing/settled-answer.ts';
import { RuleEvaluator, type RuleTurn } from './evaluator.ts';

const BEGUN_MS = Date.parse('2026-01-10T20:00:00.000Z');
const OPTIONS = { timeZone: 'Europe/Vienna', endMs: 5000 };

type Step = readonly [second: number, said: Said | null | 'wait', camera?: string];

const at = (second: number) => ({
  ...{ wallMs: BEGUN_MS + second * 1000, pictureMs: BEGUN_MS + second * 1000 },
  runningMs: second * 1000,
});

/** `raise door@12: finding`, for each turn of a rule. */
function turns(when: object, steps: readonly Step[], more: object = {}): string[] {
  const rule = Rule.parse({ name: 'test', when: { cameras: 'all', ...when }, coolDownSeconds: 0, ...more });
  const evaluator = new RuleEvaluator(rule, OPTIONS);
  return steps.flatMap(([second, said, camera = 'door'], i) => {
    const frameMs = BEGUN_MS + second * 1000;
    const found =
      said === 'wait'
        ? [...evaluator.passed(camera, at(second)), ...evaluator.waited([camera], at(second))]
        : evaluator.answered(settledAnswer(said, { camera, sequence: i + 1, frameMs }), at(second));
    return found.map((turn) => words(turn, second));
  });
}

function words({ turn, subject, finding, untold }: RuleTurn, second: number): string {
  const { name, region, zone } = subject;
  const place = [name, region, zone].filter((part) => part !== undefined).join('/');
  return `${turn} ${place}@${second}${turn === 'raise' ? `: ${finding}` : ''}${untold === 0 ? '' : ` +${untold}`}`;
}

const every = (seconds: number, from: number, to: number, said: Said | null | 'wait'): Step[] =>
  Array.from({ length: Math.ceil((to - from) / seconds) }, (_, i) => [from + i * seconds, said] as const);

const [ABSENT, PRESENT] = [classed('absent'), classed('present')];

describe('a rule about answers', () => {
  it('is raised once what it names has lasted, and ends when it is gone for long enough', () => {
    const steps = [...every(1, 0, 5, ABSENT), ...every(1, 5, 60, PRESENT), ...every(1, 60, 70, ABSENT)];
    expect(turns({ kind: 'answer', forSeconds: 30 }, steps)).toEqual([
      'raise door@35: present (90 %)',
      'end door@65',
    ]);
  });

  it('overlooks a break of a tenth of that time, and no longer one', () => {
    const broken = (seconds: number) => [
      ...every(1, 0, 20, PRESENT),
      ...every(0.5, 20, 20 + seconds, ABSENT),
      ...every(1, 20 + seconds, 60, PRESENT),
    ];
    expect(turns({ kind: 'answer', forSeconds: 30 }, broken(3))).toEqual(['raise door@30: present (90 %)']);
    expect(turns({ kind: 'answer', forSeconds: 30 }, broken(4))).toEqual(['raise door@54: present (90 %)']);
  });

  it('is raised as time passes, between answers that come seldom or tell changes only', () => {
    const when = { kind: 'answer', forSeconds: 15 };
    expect(
      turns(when, [
        [0, PRESENT],
        [10, PRESENT],
        [14, 'wait'],
        [15, 'wait'],
      ]),
    ).toEqual(['raise door@15: present (90 %)']);
    expect(
      turns(when, [
        [0, { label: 'present' }],
        [10, null],
        [15, null],
      ]),
    ).toEqual(['raise door@15: present']);
  });

  it.each<[string, object, Said[], number[]]>([
    ['a label', { label: 'absent' }, [ABSENT, PRESENT], [0]],
    ['a probability', { label: 'present', probability: 0.95 }, [PRESENT, classed('present', 0.96)], [1]],
    [
      'a small one, of a label that did not win',
      { label: 'present', probability: 0.2 },
      [ABSENT, classed('absent', 0.8)],
      [1],
    ],
    ['a number', { label: 'person', atLeast: 3 }, [counted(2), counted(3), counted(9)], [1]],
    ['a number at most', { label: 'person', atMost: 1 }, [counted(2), counted(1), counted(0)], [1]],
    ['a zone', { zone: 'gate', atLeast: 1 }, [counted(4, 0), counted(4), counted(4, 1)], [2]],
    ['no zone that nobody drew', { zone: 'exit' }, [counted(4, 1)], []],
    [
      'a region',
      { region: 'left' },
      [PRESENT, { ...PRESENT, region: 'right' }, { ...PRESENT, region: 'left' }],
      [2],
    ],
    ['something that means nothing, if it is named', { label: 'no-helmet' }, [{ label: 'no-helmet' }], [0]],
    ['nothing of that kind otherwise', {}, [{ label: 'no-helmet' }], []],
    ['a label that no network has', { label: 'unicorn' }, [PRESENT, counted(3)], []],
  ])('knows %s', (_, condition, answers, raised) => {
    const steps = answers.map((said, second): Step => [second, said]);
    const found = turns({ kind: 'answer', ...condition }, steps).filter((one) => one.startsWith('raise'));
    expect(found.map((one) => Number(/@(\d+)/.exec(one)?.[1]))).toEqual(raised);
  });

  it('tells of each region by itself, and of the zone that it is about', () => {
    expect(
      turns({ kind: 'answer' }, [
        [0, { ...PRESENT, region: 'left' }],
        [1, { ...PRESENT, region: 'right' }],
      ]),
    ).toEqual(['raise door/left@0: present (90 %)', 'raise door/right@1: present (90 %)']);
    expect(turns({ kind: 'answer', zone: 'gate' }, [[0, counted(5, 2)]])).toEqual([
      'raise door/gate@0: 2 people',
    ]);
  });

  it('counts what it does not tell within the cool-down, and tells then what still lasts', () => {
    const visits = [0, 100, 200].flatMap((from) => [
      ...every(1, from, from + 10, PRESENT),
      ...every(1, from + 10, from + 20, ABSENT),
    ]);
    expect(turns({ kind: 'answer' }, [...visits, [350, PRESENT]], { coolDownSeconds: 300 })).toEqual([
      'raise door@0: present (90 %)',
      'end door@15',
      'raise door@350: present (90 %) +2',
    ]);
    expect(
      turns(
        { kind: 'answer' },
        [...every(1, 0, 1, PRESENT), ...every(1, 1, 20, ABSENT), ...every(10, 20, 400, PRESENT)],
        { coolDownSeconds: 300 },
      ),
    ).toEqual(['raise door@0: present (90 %)', 'end door@6', 'raise door@300: present (90 %) +1']);
  });

  it('counts within its schedule only: from its begin, and to its end', () => {
    // 21:00 in Vienna is second 0.
    const schedule = { from: '21:01', to: '21:02' };
    expect(turns({ kind: 'answer', forSeconds: 20 }, every(1, 0, 200, PRESENT), { schedule })).toEqual([
      'raise door@80: present (90 %)',
      'end door@125',
    ]);
  });
});

describe('a rule about absence', () => {
  const waits = (from: number, to: number) => every(1, from, to, 'wait');

  it('is raised where no answer comes, also of a camera that never sent one, and ends with the next', () => {
    const when = { kind: 'absence', forSeconds: 10 };
    expect(
      turns(when, [...waits(0, 20), [20, ABSENT], ...waits(20, 25), [25, null], ...waits(25, 40)]),
    ).toEqual(['raise door@10: no answer', 'end door@20', 'raise door@35: no answer']);
  });

  it('is raised where something is not seen, whether answers come or not', () => {
    const when = { kind: 'absence', label: 'present', forSeconds: 10 };
    expect(turns(when, [...every(1, 0, 5, PRESENT), ...every(1, 5, 20, ABSENT), [20, PRESENT]])).toEqual([
      'raise door@14: no present',
      'end door@20',
    ]);
    expect(turns(when, [[0, PRESENT], ...waits(1, 12)])).toEqual(['raise door@10: no present']);
  });

  it('knows that what a network told last holds until it tells something else', () => {
    const when = { kind: 'absence', label: 'present', forSeconds: 10 };
    const changes: Step[] = [
      [0, { label: 'present' }],
      ...every(1, 1, 30, null),
      [30, { label: 'absent' }],
      ...every(1, 31, 42, null),
    ];
    expect(turns(when, changes)).toEqual(['raise door@39: no present']);
    const mixed: Step[] = changes.flatMap((step) => [step, [step[0], 'wait'] as const]);
    expect(turns(when, mixed)).toEqual(['raise door@39: no present']);
  });

  it('waits from the begin of its schedule on', () => {
    const schedule = { from: '21:01', to: '21:03' };
    expect(turns({ kind: 'absence', forSeconds: 30 }, waits(0, 200), { schedule })).toEqual([
      'raise door@90: no answer',
      'end door@180',
    ]);
  });
});

describe('a rule about the site', () => {
  const looks = (
    when: object,
    facts: readonly [second: number, holds: boolean | null, amount?: number][],
  ) => {
    const evaluator = new RuleEvaluator(Rule.parse({ name: 'test', when, coolDownSeconds: 0 }), OPTIONS);
    const subject = { kind: 'gateway', name: 'gate' } as const;
    return facts.flatMap(([second, holds, amount]) =>
      evaluator
        .looked([{ subject, holds, finding: 'so', ...(amount !== undefined && { amount }) }], at(second))
        .map((turn) => words(turn, second)),
    );
  };

  it('neither raises nor ends anything by what is not known', () => {
    const when = { kind: 'gateway-state', gateways: 'all', states: ['offline'], forSeconds: 60 } as const;
    expect(
      looks(when, [
        [0, true],
        [59, null],
        [60, null],
        [70, null],
      ]),
    ).toEqual([]);
    expect(
      looks(when, [
        [0, true],
        [60, true],
        [70, null],
        [80, null],
        [90, false],
      ]),
    ).toEqual(['raise gate@60: so', 'end gate@90']);
  });

  it('counts what is lost within its time, also where the gateway starts again', () => {
    const when = { kind: 'drops', gateways: 'all', atLeast: 10, withinMinutes: 1 } as const;
    expect(
      looks(when, [
        [0, true, 500],
        [10, true, 505],
        [50, true, 509],
        [62, true, 510],
        [70, true, 516],
        [80, true, 520],
      ]),
    ).toEqual(['raise gate@62: 10 answers lost', 'end gate@70', 'raise gate@80: 10 answers lost']);
    expect(
      looks(when, [
        [0, true, 500],
        [10, true, 2],
        [20, true, 12],
      ]),
    ).toEqual(['raise gate@20: 12 answers lost']);
  });

  it('ends what is about a subject that is gone', () => {
    const when = { kind: 'gateway-state', gateways: 'all', states: ['offline'], forSeconds: 0 } as const;
    const evaluator = new RuleEvaluator(Rule.parse({ name: 'test', when }), OPTIONS);
    const fact = { subject: { kind: 'gateway', name: 'gate' }, holds: true, finding: 'so' } as const;
    expect(evaluator.looked([fact], at(0))).toHaveLength(1);
    expect(evaluator.looked([], at(1))).toMatchObject([{ turn: 'end' }]);
  });
});
