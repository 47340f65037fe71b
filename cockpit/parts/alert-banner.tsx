import type { SiteState } from '#protocol/api.ts';
import { useWords } from '../hooks/use-words.ts';
import { formatMoment } from '../view/format.ts';
import { ALERT_TONES, unacknowledged } from '../view/site-needs.ts';

const SHOWN = 3;

/** Alerts that nobody has acknowledged yet, above everything else: each a way to the inbox. */
export function AlertBanner({ site, nowMs }: { readonly site: SiteState; readonly nowMs: number }) {
  const words = useWords();
  const alerts = unacknowledged(site);
  if (alerts.length === 0) return null;
  return (
    <ul class="notices" aria-label={words.alerts.title}>
      {alerts.slice(0, SHOWN).map(({ id, severity, title, raised, ended }) => (
        <li key={id} class={`notice notice-alert tone-${ALERT_TONES[severity]}`}>
          <span class="dot" aria-hidden="true" />
          <a href="#/alerts">{title}</a>
          <span class="quiet">
            {formatMoment(Date.parse(raised), nowMs, words)}
            {ended !== null && ` · ${words.alerts.ended(formatMoment(Date.parse(ended), nowMs, words))}`}
          </span>
        </li>
      ))}
      {alerts.length > SHOWN && (
        <li>
          <a href="#/alerts">{words.need.more(alerts.length - SHOWN)}</a>
        </li>
      )}
    </ul>
  );
}
