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
} as const;
