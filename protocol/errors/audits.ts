/** Codes of audits of answers; part of the one registry in ../errors.ts. */
export const AUDIT_ERRORS = {
  OPENING_INVALID: {
    meaning: 'What a gateway shows as the opening of an answer does not open, or is none.',
    action: 'Look at the audits of that gateway; more than a few in a row bring it into quarantine.',
  },
  CHALLENGE_INVALID: {
    meaning: 'A challenge to open answers, or the answer to one, is malformed.',
    action: 'Update the older of gateway and backend; look for a foreign publisher on this topic.',
  },
  CHALLENGE_FOREIGN: {
    meaning: 'A challenge to open answers is not signed by the owner of the site, or is for another gateway.',
    action: 'Look for a foreign publisher on this topic; nothing was shown.',
  },
  AUDITOR_KEY_INVALID: {
    meaning:
      'What says to whom openings are sealed is malformed, older than what the gateway has, or not signed by the owner.',
    action: 'Look for a foreign publisher on this topic; the gateway keeps the key that it has.',
  },
  AUDITOR_AWAY: {
    meaning: 'The auditor of the site, a process of its own, has not judged an answer for ten minutes.',
    action: 'Look at `blindsight auditor` and its log; answers are audited when it is back.',
  },
  AUDITOR_KEY_CHANGED: {
    meaning: 'An auditor came with another key than the one that gateways seal to under its token.',
    action:
      'Put its key file back, or make another token for it (`blindsight token add NAME --role auditor`): the new key then counts.',
  },
  AUDITOR_NOT_WANTED: {
    meaning: 'An auditor came to a site whose backend audits answers itself.',
    action: 'Set `audit.auditor: process` in backend.yaml and restart the backend, or stop the auditor.',
  },
  AUDITOR_OUTDATED: {
    meaning:
      'An auditor is of a version that knows no answers about several cameras, and one of those is to be audited.',
    action: 'Update the auditor to the version of the backend; until then these answers are not audited.',
  },
  AUDITOR_REFUSED: {
    meaning: 'The backend does not let an auditor do its work.',
    action: 'Look at its answer in the message: its token has to be valid and of the role auditor.',
  },
} as const;
