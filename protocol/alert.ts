/** From the least to the worst. */
export const SEVERITIES = ['info', 'warning', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** What an alert is about; `region` and `zone` are parts of a camera's picture. */
export type AlertSubject = {
  readonly kind: 'camera' | 'gateway' | 'site';
  readonly name: string;
  readonly region?: string;
  readonly zone?: string;
};

/**
 * An alert is open until it has ended and somebody has acknowledged it, in either order: what came and went at night is still there in the morning. A rule has at
 * most one open alert about each subject; where it begins again meanwhile, `times` counts.
 */
export type AlertView = {
  readonly id: number;
  /** Name of the rule that raised it. */
  readonly rule: string;
  readonly severity: Severity;
  readonly subject: AlertSubject;
  /** One line of text. */
  readonly title: string;
  readonly message: string;
  /** When it began, the last time. */
  readonly raised: string;
  /** When it ended; null while it lasts. */
  readonly ended: string | null;
  readonly acknowledged: { readonly by: string; readonly at: string } | null;
  /** How often it has begun since it was opened; at least 1. */
  readonly times: number;
};

/** The open alerts of a site. */
export type OpenAlerts = {
  /** The worst first, then the newest; {@link MAX_SHOWN_ALERTS} at most. */
  readonly open: readonly AlertView[];
  readonly count: number;
};

export const MAX_SHOWN_ALERTS = 100;

/** Whether somebody still has to look at it, or it still lasts. */
export function isOpen({ ended, acknowledged }: Pick<AlertView, 'ended' | 'acknowledged'>): boolean {
  return ended === null || acknowledged === null;
}

/** The name of a subject as the last level of an MQTT topic: `yard`, `yard:region:left`, `yard:zone:gate`. No two subjects of one kind share one: names have no colons. No dots, which NATS before 2.10 refuses in topics. */
export function subjectLevel({ name, region, zone }: AlertSubject): string {
  return [
    name,
    ...(region === undefined ? [] : ['region', region]),
    ...(zone === undefined ? [] : ['zone', zone]),
  ].join(':');
}
