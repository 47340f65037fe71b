/** Why an envelope was not opened, for an operator; the reasons are those of the backend's counters. */
const WORDS: Readonly<Record<string, string>> = {
  retained: 'A retained message stood where only fresh answers belong.',
  oversized: 'The message was larger than any answer.',
  'inbox-full': 'Too much waited already; the gateway sends it again.',
  'site-full': 'Too much of all gateways waited already; the gateway sends it again.',
  'disk-full': 'The disk of the backend is nearly full; the gateway sends it again.',
  malformed: 'The message was no answer at all.',
  version: 'Another version of Blindsight wrote it; update the backend before the gateways.',
  'unknown-gateway': 'The sender is not an enrolled gateway.',
  signature: 'The signature is not the gateway’s.',
  topic: 'It came in under another gateway’s or camera’s name.',
  site: 'It was meant for another site.',
  camera: 'The camera belongs to another gateway.',
  // Counted by versions that did not keep what came in quarantine.
  quarantined: 'The gateway was in quarantine.',
  'held-full': 'More came in quarantine than is kept; the oldest were given up.',
  discarded: 'You discarded what was kept in quarantine.',
  model: 'The network was never deployed to this gateway.',
  replayed: 'Another answer with this number was settled before.',
  stale: 'It was older than what is remembered.',
  future:
    'Its picture is dated in the future. Set the clock of the gateway: answers that it dates so are lost.',
  'too-old':
    'Its picture is dated before the gateway was enrolled, or longer ago than answers may wait (answers.maxAgeHours). As a rule the clock of the gateway is behind.',
  'too-many':
    'The camera answers more often than it may (answers.perCameraPerSecond). If its pictures are meant to come so fast, raise the limit.',
  size: 'Its length is not that of an answer of this network.',
  regions: 'It names more regions than this network answers at once.',
  ciphertext: 'Its content does not have the form of an answer.',
};

/** The reason in words, or as it is where this page does not know it. */
export function refusalWords(reason: string): string {
  return Object.hasOwn(WORDS, reason) ? (WORDS[reason] ?? reason) : reason;
}
