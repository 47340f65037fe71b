const OWN_NAMES = new Set(['127.0.0.1', 'localhost', '[::1]']);

/**
 * Whether a request was sent to this machine under a name of its own. A foreign page whose name is made to point here (DNS rebinding) would
 * use that name as host.
 *
 * @param host the header, with or without port
 */
export function isOwnHost(host: string | undefined): boolean {
  return OWN_NAMES.has((host ?? '').replace(/:\d+$/, ''));
}
