import { ALERT_EVENTS } from './errors/alerts.ts';
import type { ErrorCode } from './errors.ts';
import type { RefusalCode } from './refusals.ts';

/** What the journal reports that is not an error: codes as stable as those of errors, on the same page of the documentation. */
export const EVENTS = {
  ...ALERT_EVENTS,
  LEAK_WARNING: {
    meaning:
      'Answers may have told a quarter of the bits of a key, if their gateway lied and somebody read them.',
    action:
      'Nothing while answers are audited: at half of them the gateway gets other keys. Otherwise do what the message says.',
  },
  LEAK_LIMIT: {
    meaning: 'Answers may have told half of the bits of a key, if their gateway lied and somebody read them.',
    action: 'Nothing if the gateway gets other keys by itself. Otherwise do what the message says.',
  },
  GATEWAY_SAYS: {
    meaning: 'A gateway reported something of itself, in its own words, with a code of its own.',
    action: 'Look up the code that it names, and remember that a gateway may say anything.',
  },
  GATEWAY_ENROLLED: {
    meaning: 'A gateway was enrolled.',
    action: 'Nothing, if this was you; otherwise shut it out with `blindsight gateway remove NAME`.',
  },
  GATEWAY_INVITED: {
    meaning: 'An invitation for a gateway was made: whoever has it first becomes this gateway.',
    action: 'Nothing, if this was you; otherwise make another, which ends this one, and look who has access.',
  },
  GATEWAY_REPLACED: {
    meaning:
      'Another box took the place of a gateway: the certificate and the keys of the one before count no more.',
    action: 'Nothing, if this was you; otherwise shut it out with `blindsight gateway remove NAME`.',
  },
  GATEWAY_PASSWORDS_MISSING: {
    meaning:
      'Another box took the place of a gateway, and cannot open the passwords of cameras that were pushed to the one before.',
    action:
      'Push them again: `blindsight gateway config show NAME`, then `credentials` for the named cameras, then `blindsight gateway config push NAME`.',
  },
  GATEWAY_REMOVED: {
    meaning: 'A gateway was removed: its certificate is revoked, and whatever it sends is refused.',
    action: 'Nothing, if this was you; otherwise enrol it again.',
  },
  CERTIFICATE_RENEWED: {
    meaning: 'A certificate was renewed, for the same key.',
    action: 'Nothing.',
  },
  CERTIFICATE_REVOKED: {
    meaning: 'A certificate was revoked: brokers refuse whoever shows it.',
    action: 'Nothing, if this was you; otherwise look at `blindsight site certificates`.',
  },
  CERTIFICATE_ENDS: {
    meaning:
      'A certificate expires within a month, or has expired; once expired, it cannot be used to connect.',
    action:
      'For the broker or backend: run `blindsight site renew`. A gateway renews its own while it is connected; for one that could not, run `blindsight gateway replace NAME` and enrol its machine again.',
  },
  GATEWAY_QUARANTINED: {
    meaning:
      'A gateway sent something that its own software never sends: its answers are kept, but not decrypted.',
    action:
      'Look at the reason and at the gateway itself, then run `blindsight gateway release NAME`, or remove it.',
  },
  AUDIT_UNEQUAL: {
    meaning:
      'An answer of a gateway was computed again from its opening, and is another one: something else than the network made it.',
    action:
      'Treat the gateway as hostile: look who has access to it, replace it, and protect its network again.',
  },
  AUDIT_MISSING: {
    meaning: 'A gateway did not open an answer when it was asked to, though it went on sending.',
    action:
      'Nothing if it is rare: openings of the last moments are lost in a power cut. More than a few bring the gateway into quarantine; update its software if it is older than the backend.',
  },
  GATEWAY_RELEASED: {
    meaning: 'A gateway was released from quarantine.',
    action: 'Nothing, if this was you.',
  },
  CAMERA_CONFLICT: {
    meaning:
      'A gateway announces a camera that belongs to another gateway, or more cameras than it may have.',
    action:
      'Name the camera differently in agent.yaml, or say whose it is: `blindsight camera assign NAME GATEWAY`.',
  },
  CAMERA_NAMED: {
    meaning: 'Somebody said how people call a camera, or which groups it is in.',
    action: 'Nothing, if this was you.',
  },
  ZONE_ADDED: {
    meaning: 'A zone was drawn in the picture of a camera: answers count in it from then on.',
    action: 'Nothing, if this was you.',
  },
  ZONE_REMOVED: {
    meaning: 'A zone of a camera was removed: answers do not count in it any more.',
    action: 'Nothing, if this was you.',
  },
  RULE_SAVED: {
    meaning: 'A rule was added, changed, or turned on or off.',
    action: 'Nothing, if this was you.',
  },
  RULE_REMOVED: {
    meaning: 'A rule was removed; what it had raised has ended.',
    action: 'Nothing, if this was you.',
  },
  EVENTS_OMITTED: {
    meaning: 'A camera has had more events within an hour than are kept; the others are counted only.',
    action:
      'Look at what flickers: a higher `events.beginSeconds`, or a network that was trained on more pictures of that camera.',
  },
  REGIONS_OMITTED: {
    meaning:
      'Answers about a camera named more regions within a day than a camera may have; those beyond are stored, and missing in history, events and alerts.',
    action:
      'Look at the configuration of its gateway. If it does not name so many regions, the gateway lies: put it in quarantine.',
  },
  CAMERA_ASSIGNED: {
    meaning: 'A camera was given to a gateway by the owner, whichever gateway had it.',
    action: 'Nothing, if this was you.',
  },
  CAMERA_RELEASED: {
    meaning: 'A camera was released: it now belongs to the next gateway that announces it.',
    action: 'Nothing, if this was you.',
  },
  CAMERA_UNUSUAL: {
    meaning: 'A camera, or a region of it, shows something the network was not trained for.',
    action:
      'Check the picture, the region and the masks; if they are right, train the network on such pictures.',
  },
  CAMERA_USUAL: {
    meaning: 'A camera, or a region of it, once more shows what the network was trained for.',
    action: 'Nothing.',
  },
  MODEL_PROTECTED: {
    meaning: 'A network was protected.',
    action: 'Deploy it with `blindsight deploy`.',
  },
  MODEL_OUTPUT: {
    meaning: 'The owner changed how much of the answers of a network the backend lets out.',
    action: 'Nothing, if this was you.',
  },
  KEY_SET_MADE: {
    meaning: 'Further keys of a network were made, and its parameters encrypted under them.',
    action: 'Nothing.',
  },
  GATEWAY_REKEYED: {
    meaning:
      'A gateway gets new keys for its network; answers under those before are refused after a time of grace.',
    action: 'Nothing, if this was you. Otherwise read the reason in the journal.',
  },
  KEY_SETS_CLEARED: {
    meaning: 'Files that belong to retired keys only were removed from the disk.',
    action: 'Nothing.',
  },
  MODEL_RETIREMENT: {
    meaning: 'A network was retired, or taken back into service.',
    action:
      'Nothing, if this was you. Gateways that still run a retired one need another (`blindsight model list`).',
  },
  MODEL_RELEASED: {
    meaning: 'A network was deployed to a gateway, which receives it at its next connection.',
    action: 'Nothing, if this was you.',
  },
  SOFTWARE_ACTIVE: {
    meaning: 'A new program of a gateway proved itself, and is what runs there from now on.',
    action: 'Nothing.',
  },
  BUNDLE_ACTIVE: {
    meaning: 'A gateway reports that a network is active.',
    action: 'Nothing.',
  },
  RELEASE_ACTIVE: {
    meaning: 'A deployed network is active on its gateway.',
    action: 'Nothing.',
  },
  RELEASE_REFUSED: {
    meaning: 'A gateway refused a deployed network; the one before keeps running.',
    action: 'Look up the code in the message.',
  },
  RELEASE_ROLLED_BACK: {
    meaning: 'A deployed network did not work on its gateway, which returned to the one before.',
    action: 'Look up the code in the message.',
  },
  CONFIGURATION_APPLIED: {
    meaning: 'A pushed configuration runs on its gateway.',
    action: 'Nothing.',
  },
  CONFIGURATION_REJECTED: {
    meaning: 'A gateway refused a pushed configuration; nothing changed there.',
    action: 'Mend what the message says, and push it again.',
  },
  CONFIGURATION_REVERTED: {
    meaning: 'A gateway gave a pushed configuration up, and runs what it ran before.',
    action: 'Look up the code in the message.',
  },
  CONFIGURATION_OLD: {
    meaning: 'A gateway was sent a configuration older than one that it knows, and left it.',
    action: 'Look for a foreign publisher on this topic, or a site restored from an old backup.',
  },
  CONFIGURATION_PUSHED: {
    meaning: 'Settings were pushed to a gateway, which is told at its next connection.',
    action: 'Nothing, if you did it.',
  },
  CONFIGURATION_DRIFT: {
    meaning:
      'Somebody edited agent.yaml on a gateway after settings were pushed to it; the pushed ones go on there.',
    action:
      'Take the change over into the settings that you push, or let the file win: `configuration.onEdit: file`.',
  },
  SOFTWARE_RELEASED: {
    meaning: 'Software was released to a gateway, which receives it at its next connection.',
    action: 'Nothing, if this was you.',
  },
  SOFTWARE_RUNS: {
    meaning: 'Released software runs on its gateway.',
    action: 'Nothing.',
  },
  SOFTWARE_REFUSED: {
    meaning: 'A gateway refused released software; the one before keeps running.',
    action: 'Look up the code in the message.',
  },
  SOFTWARE_ROLLED_BACK: {
    meaning: 'Released software did not work on its gateway, which returned to the one before.',
    action: 'Look up the code in the message.',
  },
  ROLLOUT_STARTED: {
    meaning: 'A rollout began: a release that reaches many gateways in waves.',
    action: 'Nothing, if you did it.',
  },
  ROLLOUT_PAUSED: {
    meaning: 'A rollout was paused: no gateway is released to until it is resumed.',
    action: 'Resume it (`blindsight rollout resume ID`) or abort it before its time is over.',
  },
  ROLLOUT_RESUMED: {
    meaning: 'A paused rollout goes on.',
    action: 'Nothing, if you did it.',
  },
  ROLLOUT_DONE: {
    meaning: 'A rollout reached all of its gateways.',
    action: 'Nothing.',
  },
  ROLLOUT_FAILED: {
    meaning: 'More gateways failed than a rollout allows: no further wave began.',
    action:
      'Look at the gateways with `blindsight rollout show ID`; take those that run it back with `blindsight rollout back ID`.',
  },
  ROLLOUT_ABORTED: {
    meaning: 'A rollout was aborted; gateways that had the release keep it.',
    action: 'Take them back with `blindsight rollout back ID` if you want.',
  },
  ROLLOUT_TIMED_OUT: {
    meaning: 'The time for a whole rollout was over before all of its gateways had been released to.',
    action: 'Start another one for the gateways that are left; a pause counts too.',
  },
  ROLLOUT_NO_ANSWER: {
    meaning:
      'A gateway of a rollout did not run the release within its time limit, perhaps because it is offline.',
    action: 'Look at the gateway. It still takes the release up when it can.',
  },
  ROLLOUT_OVERTAKEN: {
    meaning:
      'Something else was released to a gateway of a rollout meanwhile, so the rollout leaves it alone.',
    action: 'Nothing, if this was you.',
  },
  ROLLOUT_REPLACED: {
    meaning: 'Another machine took the place of a gateway during a rollout, so the rollout leaves it alone.',
    action: 'Release to it by itself with `blindsight deploy`.',
  },
  ROLLOUT_STOPPED: {
    meaning: 'The rollout ended before a gateway was released to, or before it had answered.',
    action: 'Look at why the rollout ended.',
  },
  COMMAND_SENT: {
    meaning: 'A command was given to a gateway: a restart, another level of its log, its log, diagnostics.',
    action: 'Nothing, if this was you.',
  },
  COMMAND_ANSWERED: {
    meaning: 'A gateway answered a command.',
    action: 'Nothing; if it could not carry the command out, look up the code in the message.',
  },
  COMMAND_UNANSWERED: {
    meaning: 'A gateway did not answer a command in time. It is not carried out any more.',
    action: 'See whether the gateway is online, then give the command again.',
  },
  OWNER_KEYS_CHANGED: {
    meaning: 'Other owner keys count at this site from now on.',
    action: 'Nothing, if this was you; otherwise somebody has the root key.',
  },
  RESULTS_NOT_PUBLISHED: {
    meaning: 'More answers were waiting to be published than are kept. The history has them all.',
    action: 'Bring the broker back, and check the connection to it.',
  },
  FOLLOWER_FAILED: {
    meaning:
      'A part of the backend that works on stored answers (history, events, alerts) failed. Answers go on being decrypted, stored and published; those that it failed at three times are missing in what it makes.',
    action:
      'Read the reason in the message. If it is none of disk or database, report it: it is a fault of the program.',
  },
  HISTORY_BUILT: {
    meaning: 'The answers that an earlier version stored are added up for the history.',
    action: 'Nothing.',
  },
  SITE_RESTORED: {
    meaning: 'The site was restored from a backup.',
    action: 'Nothing, if this was you.',
  },
} as const satisfies Record<string, { meaning: string; action: string }>;

export type EventCode = keyof typeof EVENTS;

/** Every code that this version writes to the journal. A gateway of another version may send others. */
export type JournalCode = ErrorCode | EventCode | RefusalCode;
