import type { AlertView } from '#protocol/alert.ts';

/** An alert as it is sent through a channel. */
export type OutgoingAlert = {
  /** Tells a repetition from another one. */
  readonly delivery: string;
  readonly site: string;
  readonly alert: AlertView;
};

/** What people are shown below the title. */
export function alertText({ site, alert }: OutgoingAlert): string {
  const again = alert.times > 1 ? `, ${alert.times} times by now` : '';
  return [
    alert.message,
    '',
    `${alert.severity} · rule ${alert.rule} · site ${site} · since ${alert.raised}${again}`,
  ].join('\n');
}
