/** Why an envelope is not decrypted. Names of counters (`refused.<reason>`) and in docs; the sender never learns them. */
export const REFUSALS = {
  retained: 'a retained message stands on an inference topic',
  oversized: 'the message is larger than any envelope',
  'inbox-full': 'too much of this gateway waits already; it will send it again',
  'site-full': 'too much of all gateways together waits already; it will be sent again',
  'disk-full': 'the disk of the inbox is nearly full; it will be sent again',
  malformed: 'the bytes are not an envelope',
  version: 'another version of Blindsight wrote it; update the backend before the gateways',
  'unknown-gateway': 'no such gateway is enrolled',
  signature: 'the signature is not the one of the gateway',
  topic: 'the envelope names another gateway or camera than its topic',
  site: 'the envelope is for another site',
  camera: 'the camera belongs to another gateway, or this one has as many as it may',
  'held-full': 'more came of a gateway in quarantine than is kept; the oldest were given up',
  discarded: 'the owner discarded what was kept of a gateway in quarantine',
  model: 'the network was never deployed to this gateway',
  replayed: 'another envelope was settled at this place of the sequence',
  stale: 'the envelope is older than what is remembered',
  future: 'the picture is dated more than two minutes in the future: the clock of the gateway is ahead',
  'too-old': 'the picture is dated before the gateway was enrolled, or longer ago than answers.maxAgeHours',
  'too-many': 'the camera has answered more often about this minute than answers.perCameraPerSecond allows',
  size: 'the ciphertext is not as long as an answer of this network',
  regions: 'the envelope names more regions than this network answers at once',
  ciphertext: 'the ciphertext is not well formed, or has another level, scale or size than an answer',
} as const;

export type Refusal = keyof typeof REFUSALS;
