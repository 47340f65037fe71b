import type { ErrorCode } from './errors.ts';
import type { RefusalCode } from './refusals.ts';

/** What the journal tells that is no error of its own: codes as stable as those of errors, in the same page. */
export const EVENTS = {
  GATEWAY_ENROLLED: {
    meaning: 'A gateway was enrolled.',
    action: 'Nothing, if you did it; else `blindsight gateway remove NAME` shuts it out.',
  },
  GATEWAY_REMOVED: {
    meaning: 'A gateway was removed: its certificate is revoked, and what it sends is refused.',
    action: 'Nothing, if you did it; else enrol it again.',
  },
  CERTIFICATE_ENDS: {
    meaning: 'A certificate ends within a month, or has ended: no connection is made with it from then on.',
    action:
      'Of broker or backend: run `blindsight site renew`. Of a gateway: enrol its machine under another name (`blindsight gateway enrol`), then `blindsight gateway remove` the old one.',
  },
  GATEWAY_QUARANTINED: {
    meaning: 'A gateway sent what its own software does not send: its answers are kept, and not decrypted.',
    action:
      'Look at the reason and at the machine of the gateway, then `blindsight gateway release NAME`, or remove it.',
  },
  GATEWAY_RELEASED: {
    meaning: 'A gateway was released from quarantine.',
    action: 'Nothing, if you did it.',
  },
  CAMERA_CONFLICT: {
    meaning:
      'A gateway announces a camera that belongs to another gateway, or more cameras than it may have.',
    action: 'Name the camera differently in agent.yaml, or run `blindsight camera release NAME`.',
  },
  CAMERA_RELEASED: {
    meaning: 'A camera was released: the next gateway that announces it owns it.',
    action: 'Nothing, if you did it.',
  },
  CAMERA_UNUSUAL: {
    meaning: 'A camera, or a region of it, shows what the network was not trained for.',
    action:
      'Look at the picture, the region and the masks; train the network on such pictures if they are as they should be.',
  },
  CAMERA_USUAL: {
    meaning: 'A camera, or a region of it, shows again what the network was trained for.',
    action: 'Nothing.',
  },
  MODEL_PROTECTED: {
    meaning: 'A network was protected.',
    action: 'Deploy it with `blindsight deploy`.',
  },
  MODEL_RELEASED: {
    meaning: 'A network was deployed to a gateway, which is told at its next connection.',
    action: 'Nothing, if you did it.',
  },
  BUNDLE_ACTIVE: {
    meaning: 'A gateway says that a network is active.',
    action: 'Nothing.',
  },
  RELEASE_ACTIVE: {
    meaning: 'A deployed network is active on its gateway.',
    action: 'Nothing.',
  },
  RELEASE_REFUSED: {
    meaning: 'A gateway refused a deployed network; what ran before goes on.',
    action: 'Look up the code in the message.',
  },
  RELEASE_ROLLED_BACK: {
    meaning: 'A deployed network did not work on its gateway, which went back to the one before.',
    action: 'Look up the code in the message.',
  },
  RESULTS_NOT_PUBLISHED: {
    meaning: 'More answers waited for the broker than are kept to be published. The history has them all.',
    action: 'Bring the broker back; look at its connection.',
  },
  SITE_RESTORED: {
    meaning: 'The site was restored from a backup.',
    action: 'Nothing, if you did it.',
  },
} as const satisfies Record<string, { meaning: string; action: string }>;

export type EventCode = keyof typeof EVENTS;

/** Every code that the journal of this version writes. A gateway of another version may say others. */
export type JournalCode = ErrorCode | EventCode | RefusalCode;
