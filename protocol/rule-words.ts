import type { AlertSubject } from './alert.ts';
import type { Rule, RuleCondition } from './rule.ts';

/** `90 s`, `5 min`, `2 h`. */
export function durationWords(seconds: number): string {
  for (const [unit, size] of [
    ['d', 86_400],
    ['h', 3600],
    ['min', 60],
  ] as const)
    if (seconds >= 2 * size || seconds === size) return `${Math.round((seconds / size) * 10) / 10} ${unit}`;
  return `${seconds} s`;
}

/** `square, zone gate`. */
export function subjectWords({ name, region, zone }: AlertSubject): string {
  return [
    name,
    ...(region === undefined ? [] : [`region ${region}`]),
    ...(zone === undefined ? [] : [`zone ${zone}`]),
  ].join(', ');
}

const named = (what: string, names: 'all' | readonly string[]): string =>
  names === 'all' ? `any ${what}` : names.join(', ');

const lasting = (seconds: number): string => (seconds === 0 ? '' : ` for ${durationWords(seconds)}`);

/** What a rule waits for, in English: `at least 2 person in zone gate at square for 30 s`. */
export function conditionWords(when: RuleCondition): string {
  switch (when.kind) {
    case 'answer':
      return `${answerConditionWords(when)}${when.region === undefined ? '' : ` in region ${when.region}`}${
        when.zone === undefined ? '' : ` in zone ${when.zone}`
      } at ${named('camera', when.cameras)}${lasting(when.forSeconds)}`;
    case 'absence':
      return `no ${when.label ?? 'answer'} at ${named('camera', when.cameras)}${lasting(when.forSeconds)}`;
    case 'camera-state':
      return `${named('camera', when.cameras)} is ${when.states.join(' or ')}${lasting(when.forSeconds)}`;
    case 'gateway-state':
      return `${named('gateway', when.gateways)} is ${when.states.join(' or ')}${lasting(when.forSeconds)}`;
    case 'unusual':
      return `unusual pictures at ${named('camera', when.cameras)}${lasting(when.forSeconds)}`;
    case 'drops':
      return `${when.atLeast} or more answers lost at ${named('gateway', when.gateways)} within ${durationWords(when.withinMinutes * 60)}`;
    case 'certificate':
      return `a certificate expires within ${when.days} ${when.days === 1 ? 'day' : 'days'}`;
    default:
      throw new Error(`no rule of this kind: ${JSON.stringify(when satisfies never)}`);
  }
}

function answerConditionWords({
  label = 'anything',
  atLeast,
  atMost,
  probability,
}: Extract<RuleCondition, { kind: 'answer' }>): string {
  const bounds = [
    ...(atLeast === undefined ? [] : [`at least ${atLeast}`]),
    ...(atMost === undefined ? [] : [`at most ${atMost}`]),
  ].join(' and ');
  const sure = probability === undefined ? '' : ` with ${Math.round(probability * 100)} % or more`;
  return `${bounds === '' ? '' : `${bounds} `}${label}${sure}`;
}

/** When a rule counts, in English: `mon, tue from 22:00 to 06:00`. */
export function scheduleWords({ schedule }: Pick<Rule, 'schedule'>): string {
  if (schedule === undefined) return 'always';
  const { days, from, to, timeZone } = schedule;
  const when = days.length === 7 ? 'each day' : days.join(', ');
  return `${when} from ${from} to ${to}${timeZone === undefined ? '' : ` (${timeZone})`}`;
}
