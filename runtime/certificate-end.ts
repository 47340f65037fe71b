import { parseCertificates, shownTime } from './certificate-check.ts';

/** How long before a certificate expires people are warned, ms: a month is enough to find the time. */
export const END_NOTICE_MS = 30 * 24 * 3_600_000;

/** When the first certificate of a PEM text expires, ms since the epoch; null if there is none. */
export function certificateEnd(pem: string | Buffer): number | null {
  return parseCertificates(pem)[0]?.validToDate.getTime() ?? null;
}

/** What the holder of a certificate logs about its expiry: null while it is more than a month away, and afterwards, when other errors report it. */
export function describeNearEnd(pem: string | Buffer, file: string, nowMs: number): string | null {
  const endMs = certificateEnd(pem);
  if (endMs === null || endMs <= nowMs || endMs - nowMs > END_NOTICE_MS) return null;
  const days = Math.ceil((endMs - nowMs) / (24 * 3_600_000));
  return `${file} expires on ${shownTime(endMs)}, in ${days} ${days === 1 ? 'day' : 'days'}: from then on it cannot be used to connect`;
}
