/**
 * Why the backend does not decrypt an answer. The keys are the names of its counters (`refused.<reason>`) and, in capitals, of its journal's codes
 * (`REFUSED_TOO_OLD`); the sender never learns them.
 */
export const REFUSALS = {
  retained: {
    meaning: 'A retained message stands where only fresh answers belong.',
    action: 'Find out who published it: gateways do not retain answers.',
  },
  oversized: {
    meaning: 'The message is larger than any answer.',
    action: 'Run the same version of Blindsight on both sides; look for a foreign publisher on this topic.',
  },
  'inbox-full': {
    meaning: 'Too much of this gateway waits already; it sends the answer again.',
    action: 'Nothing, if it passes; else lower the rate of its cameras.',
  },
  'site-full': {
    meaning: 'Too much of all gateways together waits already; the answer is sent again.',
    action:
      'Nothing, if it passes; else lower the rate of the cameras, or give the backend a faster machine.',
  },
  'disk-full': {
    meaning: 'The disk of the backend is nearly full; the answer is sent again.',
    action: 'Free space on the disk of the backend.',
  },
  malformed: {
    meaning: 'The message is no answer at all.',
    action: 'Look at the machine of this gateway: its own software does not send this.',
  },
  version: {
    meaning: 'Another version of Blindsight wrote the answer.',
    action: 'Update the backend before the gateways.',
  },
  'unknown-gateway': {
    meaning: 'The sender is not an enrolled gateway.',
    action: 'Enrol it with `blindsight gateway enrol`, or find out who sends.',
  },
  signature: {
    meaning: 'The signature is not the one of the gateway.',
    action: 'Look for a second sender under its name; enrol the gateway again if its key was replaced.',
  },
  topic: {
    meaning: 'The answer came in under the name of another gateway or camera.',
    action: 'Look at the machine of this gateway: its own software does not send this.',
  },
  site: {
    meaning: 'The answer is meant for another site.',
    action: 'Enrol the gateway at this site.',
  },
  camera: {
    meaning: 'The camera belongs to another gateway, or this gateway has as many cameras as it may.',
    action: 'Name the camera differently in agent.yaml, or run `blindsight camera release NAME`.',
  },
  'held-full': {
    meaning: 'More came from a gateway in quarantine than is kept; the oldest answers were given up.',
    action: 'Look at why it is in quarantine, then `blindsight gateway release NAME`.',
  },
  discarded: {
    meaning: 'You discarded what was kept of a gateway in quarantine.',
    action: 'Nothing: this was your decision.',
  },
  model: {
    meaning: 'The network of the answer was never deployed to this gateway.',
    action: 'Deploy it with `blindsight deploy`, or look at the machine of this gateway.',
  },
  replayed: {
    meaning: 'Another answer with this number was settled before.',
    action:
      'Restore the data folder of the gateway if it was rolled back; look for a copy of it if it was not.',
  },
  stale: {
    meaning: 'The answer is older than what the backend remembers.',
    action: 'Nothing, after a long outage; else look for a copy of the gateway.',
  },
  future: {
    meaning: 'The picture is dated more than two minutes in the future.',
    action: 'Set the clock of the gateway: answers that it dates so are lost.',
  },
  'too-old': {
    meaning:
      'The picture is dated before the gateway was enrolled, or longer ago than answers may wait (`answers.maxAgeHours`).',
    action: 'Set the clock of the gateway, which as a rule is behind.',
  },
  'too-many': {
    meaning: 'The camera answers more often than it may (`answers.perCameraPerSecond`).',
    action: 'Raise the limit if its pictures are meant to come so fast.',
  },
  size: {
    meaning: 'The ciphertext is not as long as an answer of this network.',
    action: 'Deploy the network again with this version of Blindsight.',
  },
  regions: {
    meaning: 'The answer names more regions than this network answers at once.',
    action: 'Deploy the network again with this version of Blindsight.',
  },
  ciphertext: {
    meaning: 'The ciphertext does not have the form, level, scale or size of an answer.',
    action: 'Deploy the network again with this version of Blindsight.',
  },
} as const satisfies Record<string, { meaning: string; action: string }>;

export type Refusal = keyof typeof REFUSALS;

type Snake<Text extends string> = Text extends `${infer Head}-${infer Tail}`
  ? `${Head}_${Snake<Tail>}`
  : Text;

/** The code of a refusal in the journal. */
export type RefusalCode = `REFUSED_${Uppercase<Snake<Refusal>>}`;

export function refusalCode(reason: Refusal): RefusalCode {
  return `REFUSED_${reason.toUpperCase().replaceAll('-', '_')}` as RefusalCode;
}
