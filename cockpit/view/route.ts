/** What the page shows; kept behind the `#` of its address, so that the page works below any path. */
export type Route =
  | { readonly view: 'start' }
  | { readonly view: 'cameras' }
  | { readonly view: 'gateways' }
  | { readonly view: 'gateway'; readonly gateway: string; readonly tab: GatewayTab };

export const GATEWAY_TABS = ['state', 'settings', 'history'] as const;
export type GatewayTab = (typeof GATEWAY_TABS)[number];

/** @param hash as in `location.hash`; whatever is unknown is the start. */
export function parseRoute(hash: string): Route {
  const [view, name, tab = 'state'] = hash.replace(/^#?\/?/, '').split('/');
  if (view === 'cameras') return { view };
  if (view !== 'gateways') return { view: 'start' };
  if (name === undefined || name === '') return { view };
  const known = GATEWAY_TABS.find((one) => one === tab) ?? 'state';
  try {
    return { view: 'gateway', gateway: decodeURIComponent(name), tab: known };
  } catch {
    return { view };
  }
}

/** The address of a view, for a link. */
export function gatewayLink(gateway: string, tab: GatewayTab = 'state'): string {
  return `#/gateways/${encodeURIComponent(gateway)}${tab === 'state' ? '' : `/${tab}`}`;
}
