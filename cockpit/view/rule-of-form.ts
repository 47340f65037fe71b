/** What a rule can wait for, in the order of the form. */
export const RULE_KINDS = [
  'answer',
  'absence',
  'camera-state',
  'gateway-state',
  'unusual',
  'drops',
  'certificate',
] as const;
export type RuleKind = (typeof RULE_KINDS)[number];

/** States in which a camera does not deliver, and a gateway is away. */
const CAMERA_AWAY = [
  ...['unauthorized', 'not-found', 'unreachable', 'refused', 'stalled', 'no-network', 'no-video'],
  ...['bad-stream', 'failed', 'unknown'],
];
const GATEWAY_AWAY = ['offline', 'unknown', 'quarantine', 'runs-twice'];

/** The rule that somebody has filled in, as the API takes it; what was left empty is left out. */
export function ruleOf(kind: RuleKind, form: Pick<FormData, 'get' | 'getAll'>): Record<string, unknown> {
  const text = (name: string) => String(form.get(name) ?? '').trim();
  const number = (name: string) => (text(name) === '' ? {} : { [name]: Number(text(name)) });
  const cameras = { cameras: text('camera') === '' ? 'all' : [text('camera')] };
  const gateways = { gateways: text('gateway') === '' ? 'all' : [text('gateway')] };
  const label = text('label') === '' ? {} : { label: text('label') };
  const conditions: Readonly<Record<RuleKind, Record<string, unknown>>> = {
    answer: { ...cameras, ...label, ...number('atLeast'), ...number('forSeconds') },
    absence: { ...cameras, ...label, ...number('forSeconds') },
    'camera-state': { ...cameras, states: CAMERA_AWAY, ...number('forSeconds') },
    'gateway-state': { ...gateways, states: GATEWAY_AWAY, ...number('forSeconds') },
    unusual: { ...cameras, ...number('forSeconds') },
    drops: { ...gateways, ...number('atLeast') },
    certificate: number('days'),
  };
  return {
    name: text('name'),
    severity: text('severity'),
    when: { kind, ...conditions[kind] },
    ...(text('from') !== '' && { schedule: { from: text('from'), to: text('to') } }),
    notify: form.getAll('notify').map(String),
  };
}
