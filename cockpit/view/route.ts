/** What the page shows; kept behind the `#` of its address, so that the page works below any path. */
export type Route =
  | { readonly view: 'cameras' }
  | { readonly view: 'camera'; readonly camera: string }
  | { readonly view: 'alerts' }
  | { readonly view: 'events' }
  | { readonly view: 'rules' }
  | { readonly view: 'journal' }
  | { readonly view: 'gateways' }
  | { readonly view: 'gateway'; readonly gateway: string; readonly tab: GatewayTab };

export const GATEWAY_TABS = ['state', 'settings', 'history'] as const;
export type GatewayTab = (typeof GATEWAY_TABS)[number];

/** Views that show one thing, whatever follows in the address. */
const WHOLE = ['alerts', 'events', 'rules', 'journal'] as const;

/** @param hash as in `location.hash`; whatever is unknown shows the cameras, with which the page begins. */
export function parseRoute(hash: string): Route {
  const [view, name = '', tab = 'state'] = hash.replace(/^#?\/?/, '').split('/');
  const whole = WHOLE.find((one) => one === view);
  if (whole !== undefined) return { view: whole };
  const decoded = decode(name);
  if (view === 'cameras' && decoded !== null) return { view: 'camera', camera: decoded };
  if (view !== 'gateways') return { view: 'cameras' };
  if (decoded === null) return { view };
  const known = GATEWAY_TABS.find((one) => one === tab) ?? 'state';
  return { view: 'gateway', gateway: decoded, tab: known };
}

function decode(name: string): string | null {
  try {
    return name === '' ? null : decodeURIComponent(name);
  } catch {
    return null;
  }
}

/** The address of the page of a camera, for a link. */
export function cameraLink(camera: string): string {
  return `#/cameras/${encodeURIComponent(camera)}`;
}

/** The address of a view, for a link. */
export function gatewayLink(gateway: string, tab: GatewayTab = 'state'): string {
  return `#/gateways/${encodeURIComponent(gateway)}${tab === 'state' ? '' : `/${tab}`}`;
}
