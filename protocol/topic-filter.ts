/** Whether a topic matches an MQTT filter (with `+` and `#`). Topics that start with `$` match no wildcard at the first level. */
export function matchesFilter(filter: string, topic: string): boolean {
  const wanted = filter.split('/');
  const levels = topic.split('/');
  if (topic.startsWith('$') && (wanted[0] === '+' || wanted[0] === '#')) return false;
  for (let i = 0; i < wanted.length; i++) {
    if (wanted[i] === '#') return true;
    if (i >= levels.length) return false;
    if (wanted[i] !== '+' && wanted[i] !== levels[i]) return false;
  }
  return wanted.length === levels.length;
}

/**
 * Whether every topic that `filter` can match is also matched by `allowed`: decides whether a subscription may be granted.
 * Errs on the safe side for `#` against `+`: a filter that reaches deeper than the allowed one does not match.
 */
export function coversFilter(allowed: string, filter: string): boolean {
  const outer = allowed.split('/');
  const inner = filter.split('/');
  if (filter.startsWith('$') !== allowed.startsWith('$')) return false;
  for (let i = 0; i < outer.length; i++) {
    if (outer[i] === '#') return true;
    if (i >= inner.length || inner[i] === '#') return false;
    if (outer[i] !== '+' && outer[i] !== inner[i]) return false;
  }
  return outer.length === inner.length;
}
