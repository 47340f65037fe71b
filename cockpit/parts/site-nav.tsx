import { useWords } from '../hooks/use-words.ts';
import type { Route } from '../view/route.ts';

type Props = {
  readonly view: Route['view'];
  /** Alerts that nobody has acknowledged. */
  readonly alerts: number;
  /** The journal has words that are not for everybody. */
  readonly maySeeJournal: boolean;
};

/** The views of a site. */
export function SiteNav({ view, alerts, maySeeJournal }: Props) {
  const { nav } = useWords();
  const links = [
    { href: '#/cameras', name: nav.cameras, views: ['cameras', 'camera'] },
    { href: '#/alerts', name: nav.alerts, views: ['alerts'], count: alerts },
    { href: '#/events', name: nav.events, views: ['events'] },
    { href: '#/rules', name: nav.rules, views: ['rules'] },
    { href: '#/gateways', name: nav.gateways, views: ['gateways', 'gateway'] },
    ...(maySeeJournal ? [{ href: '#/journal', name: nav.journal, views: ['journal'] }] : []),
  ];
  return (
    <nav class="tabs site-nav" aria-label={nav.site}>
      {links.map(({ href, name, views, count = 0 }) => (
        <a key={href} href={href} aria-current={views.includes(view) ? 'page' : undefined}>
          {name}
          {count > 0 && <span class="nav-count">{count}</span>}
        </a>
      ))}
    </nav>
  );
}
