/** Codes about people, roles, log-in and the audit log; part of the one registry in ../errors.ts. */
export const PEOPLE_ERRORS = {
  PERSON_EXISTS: {
    meaning: 'A person of this name has an account already.',
    action: 'Choose another name, or change the account: `blindsight person role NAME --role R`.',
  },
  PERSON_NAME_INVALID: {
    meaning:
      'The name of a person or of a token has characters that are not allowed, or means something else.',
    action: 'Use at most 64 lower-case letters, digits and . _ @ + -, with a letter or digit at both ends.',
  },
  PERSON_NOT_FOUND: {
    meaning: 'Nobody of this name has an account.',
    action: 'List the accounts with `blindsight person list`.',
  },
  PASSWORD_WEAK: {
    meaning: 'A password is too easy to guess.',
    action: 'Choose at least 12 characters, such as four words that do not belong together.',
  },
  TOKEN_EXISTS: {
    meaning: 'A token of this name exists, or existed.',
    action: 'Choose another name, so that the audit log stays unambiguous.',
  },
  TOKEN_NOT_FOUND: {
    meaning: 'There is no valid token of this name.',
    action: 'List the tokens with `blindsight token list`.',
  },
  API_LOGIN_NEEDED: {
    meaning: 'A request came from nobody who is logged in.',
    action:
      'Log in on the page, or send a token as `Authorization: Bearer …`; `blindsight token add NAME` makes one.',
  },
  API_LOGIN_WRONG: {
    meaning: 'Name and password do not belong to an account of this site.',
    action: 'Try again; an owner can set another password with `blindsight person password NAME`.',
  },
  API_LOGIN_THROTTLED: {
    meaning: 'Too many attempts to log in were made from this address or for this account.',
    action:
      'Wait as long as the message says. Who is logged in already, and the command line, are not affected.',
  },
  API_ROLE_NEEDED: {
    meaning: 'Whoever asked for this is known, but their role does not allow it.',
    action: 'Ask an owner to do it, or to give you the role: `blindsight person role NAME --role R`.',
  },
  API_PROXY_REFUSED: {
    meaning:
      'A request names its user in a header, but does not come from the proxy that may do so, or the proxy names no role for this user.',
    action: 'Go through the proxy; check `api.proxy` in backend.yaml.',
  },
  AUDIT_UNWRITABLE: {
    meaning: 'What was asked for cannot be noted in the audit log, and therefore does not happen.',
    action: 'Look for the cause in the log of the backend: a full disk, an unreachable database.',
  },
  AUDIT_BROKEN: {
    meaning: 'The audit log is not what was signed last: entries were changed, removed or cut off.',
    action:
      'Run `blindsight audit verify`, and find out who had access to the database and to the folder of the site.',
  },
} as const satisfies Record<string, { meaning: string; action: string }>;
