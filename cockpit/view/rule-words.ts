import type { Rule, RuleCondition } from '#protocol/rule.ts';
import type { Words } from '../words/en.ts';
import { formatAge } from './format.ts';
import { labelWords } from './label-words.ts';

/**
 * A rule as a person would say it: what it waits for, how long, at what times.
 *
 * @param nameOf how people call a camera
 */
export function ruleWords(rule: Rule, nameOf: (camera: string) => string, words: Words): string {
  const { says, days3 } = words.rules;
  const { when, schedule } = rule;
  const forSeconds = 'forSeconds' in when ? when.forSeconds : 0;
  const parts = [conditionWords(when, nameOf, words)];
  if (forSeconds > 0) parts.push(says.forSeconds(formatAge(forSeconds * 1000, words)));
  if (schedule !== undefined) {
    const days =
      schedule.days.length === 7 ? says.everyDay : schedule.days.map((day) => days3[day]).join(', ');
    parts.push(says.schedule(days, schedule.from, schedule.to));
  }
  if (rule.notify.length > 0) parts.push(says.notify(rule.notify.join(', ')));
  return parts.join(' · ');
}

function conditionWords(when: RuleCondition, nameOf: (camera: string) => string, words: Words): string {
  const { rules } = words;
  const { says } = rules;
  const cameras = (named: 'all' | readonly string[]) =>
    named === 'all' ? rules.allCameras : named.map(nameOf).join(', ');
  const gateways = (named: 'all' | readonly string[]) =>
    named === 'all' ? rules.allGateways : named.join(', ');
  switch (when.kind) {
    case 'answer': {
      const label = when.label === undefined ? rules.anything : labelWords(when.label, words);
      const count = when.atLeast === undefined ? label : `${says.atLeast(when.atLeast)} × ${label}`;
      const where = [cameras(when.cameras), when.region, when.zone].filter(Boolean).join(', ');
      return says.answer(count, where);
    }
    case 'absence':
      return when.label === undefined
        ? says.noAnswer(cameras(when.cameras))
        : says.absence(labelWords(when.label, words), cameras(when.cameras));
    case 'camera-state':
      return says.state(
        cameras(when.cameras),
        when.states
          .map((state) => (state === 'unknown' ? words.states.cut : words.states[state]).word)
          .join(', '),
      );
    case 'gateway-state':
      return says.state(gateways(when.gateways), when.states.join(', '));
    case 'unusual':
      return says.unusual(cameras(when.cameras));
    case 'drops':
      return says.drops(gateways(when.gateways), when.atLeast);
    case 'certificate':
      return says.certificate(when.days);
  }
}
