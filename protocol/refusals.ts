/**
 * Why the backend does not decrypt an answer. The keys name its counters (`refused.<reason>`) and, in capitals, the codes in its journal
 * (`REFUSED_TOO_OLD`). The sender never learns them.
 */
export const REFUSALS = {
  retained: {
    meaning: 'A retained message was found where only fresh answers belong.',
    action: 'Find out who published it: gateways never retain answers.',
  },
  oversized: {
    meaning: 'The message is larger than any answer can be.',
    action:
      'Run the same version of Blindsight on both sides; look for another program that publishes on this topic.',
  },
  'inbox-full': {
    meaning: 'Too many answers of this gateway are already waiting; it will send this one again.',
    action: 'Nothing, if it passes; otherwise lower the rate of its cameras.',
  },
  'site-full': {
    meaning: 'Too many answers of all gateways are already waiting; the answer will be sent again.',
    action:
      'Nothing, if it passes; otherwise lower the rate of the cameras, or give the backend a faster machine.',
  },
  'disk-full': {
    meaning: 'The disk of the backend is nearly full; the answer will be sent again.',
    action: 'Free space on the disk of the backend.',
  },
  malformed: {
    meaning: 'The message is not an answer at all.',
    action: 'Look at the gateway itself: its own software never sends this.',
  },
  version: {
    meaning: 'The answer was written by another version of Blindsight.',
    action: 'Update the backend before the gateways.',
  },
  'unknown-gateway': {
    meaning: 'The sender is not an enrolled gateway.',
    action: 'Enrol it with `blindsight gateway enrol`, or find out who is sending.',
  },
  signature: {
    meaning: 'The signature is not that of the gateway.',
    action: 'Look for a second sender under its name; enrol the gateway again if its key was replaced.',
  },
  replaced: {
    meaning: 'The answer was signed by a box whose place another one took.',
    action:
      'Switch the old box off. If it is not in your hands, give Mosquitto the new list of revoked certificates.',
  },
  topic: {
    meaning: 'The answer arrived under the name of another gateway or camera.',
    action: 'Look at the gateway itself: its own software never sends this.',
  },
  site: {
    meaning: 'The answer is meant for another site.',
    action: 'Enrol the gateway at this site.',
  },
  camera: {
    meaning: 'The camera belongs to another gateway, or this gateway already has as many cameras as it may.',
    action:
      'Name the camera differently in agent.yaml, or say whose it is: `blindsight camera assign NAME GATEWAY`.',
  },
  'held-full': {
    meaning: 'A gateway in quarantine sent more than is kept; the oldest answers were dropped.',
    action: 'Find out why it is in quarantine, then run `blindsight gateway release NAME`.',
  },
  discarded: {
    meaning: 'You discarded the answers that were kept from a gateway in quarantine.',
    action: 'Nothing: this was your decision.',
  },
  model: {
    meaning: 'The network of the answer was never deployed to this gateway.',
    action: 'Deploy it with `blindsight deploy`, or look at the gateway itself.',
  },
  retired: {
    meaning: 'The network of the answer was retired, and its time of grace is over.',
    action:
      'Deploy another network to the gateway; `blindsight model reinstate NAME` takes it back into service.',
  },
  superseded: {
    meaning:
      'The answer was made by an earlier release, and the gateway has reported a later one as active for longer than answers of earlier ones are taken (`answers.formerReleaseHours`).',
    action: 'Look at the gateway itself: after that time its own software has no such answer any more.',
  },
  replayed: {
    meaning:
      'Another answer with this number was already processed, or the same answer about the same moment under another number.',
    action:
      'If the data folder of the gateway was rolled back, restore it; if not, look for a copy of the gateway.',
  },
  stale: {
    meaning: 'The answer is older than the backend remembers.',
    action: 'Nothing, after a long outage; otherwise look for a copy of the gateway.',
  },
  future: {
    meaning: 'The picture is dated more than two minutes in the future.',
    action: 'Set the clock of the gateway: answers dated like this are lost.',
  },
  'too-old': {
    meaning:
      'The picture is dated before the gateway was enrolled, or longer ago than answers may wait (`answers.maxAgeHours`).',
    action: 'Set the clock of the gateway, which is probably slow.',
  },
  'too-many': {
    meaning:
      'The camera answers more often than it may: by the settings that were pushed to its gateway, else by `answers.perCameraPerSecond`.',
    action: 'Raise the limit if its pictures are meant to come this fast, or push its settings.',
  },
  unauditable: {
    meaning: 'The answer comes from the reference interpreter, and no audit can open such an answer.',
    action:
      'Set `inference.interpreter: engine` on the gateway, or `audit.acceptReference: true` here and do without its audits.',
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
