/** Codes of invitations, enrolment, renewal and revocation; part of the one registry in `errors.ts`. */
export const CERTIFICATE_ERRORS = {
  INVITATION_INVALID: {
    meaning: 'A text is not an invitation, or was not copied completely.',
    action: 'Copy the whole line that `blindsight gateway invite NAME` printed.',
  },
  INVITATION_UNKNOWN: {
    meaning: 'This site did not make the invitation, or a newer one for the same gateway took its place.',
    action: 'Use the newest invitation; make another with `blindsight gateway invite NAME`.',
  },
  INVITATION_USED: {
    meaning: 'An invitation was used before; each is good for one gateway.',
    action:
      'If that was not you, run `blindsight gateway remove NAME`: somebody else has the invitation. Otherwise make another.',
  },
  INVITATION_EXPIRED: {
    meaning: 'An invitation is too old.',
    action: 'Make another with `blindsight gateway invite NAME`.',
  },
  INVITATION_SITE: {
    meaning: 'An invitation is for another site, or another gateway, than the request that came with it.',
    action: 'Use the invitation that this site made for this gateway.',
  },
  ENROLMENT_OFF: {
    meaning: 'The backend of this site takes no enrolments over the network.',
    action:
      'Add `enrolment: { port: 8481 }` to backend.yaml and restart the backend, or enrol with files: `blindsight agent enrol --request FILE`.',
  },
  ENROLMENT_ADDRESS: {
    meaning: 'No gateway could reach the enrolment of the site under this address.',
    action:
      'Use a name that the certificate of the broker covers; `blindsight site broker-host NAME` adds one.',
  },
  ENROLMENT_UNREACHABLE: {
    meaning: 'The site named in the invitation does not answer.',
    action:
      'Check the network and that the backend of the site runs; a firewall must let the enrolment port through.',
  },
  ENROLMENT_UNTRUSTED: {
    meaning:
      'What answers under the address of the site is not the site that made the invitation: its authority or its name is another.',
    action:
      'Nothing was sent to it. Find out who answers there: a proxy, another site, or somebody between gateway and site.',
  },
  ENROLMENT_CLOCK: {
    meaning: 'The clock of this machine is so wrong that no certificate is valid.',
    action:
      'Set the clock, for example with `timedatectl set-time`, and enrol again with the same invitation.',
  },
  ENROLMENT_INVALID: {
    meaning:
      'A request to be enrolled, or the answer to one, is damaged, too large or not signed by its own keys.',
    action: 'Make a new request with `blindsight agent enrol` of this version.',
  },
  ENROLMENT_KEY: {
    meaning: 'A request to be enrolled has a key of a kind that is not used here, or one that is weak.',
    action: 'Make the keys with `blindsight agent enrol`: P-256 for TLS, Ed25519 and X25519.',
  },
  ENROLMENT_NAME: {
    meaning: 'A certificate is requested under another name than that of the gateway that asks.',
    action: 'A gateway gets certificates for its own name only; make a request under the right one.',
  },
  ENROLMENT_PENDING: {
    meaning: 'There is no enrolment to finish in this folder, or it is that of another request.',
    action: 'Begin with `blindsight agent enrol --request FILE --name NAME` and the same --out.',
  },
  ENROLMENT_BUSY: {
    meaning: 'The enrolment of the site was asked too often.',
    action: 'Wait a minute and try again.',
  },
  ENROLMENT_FAILED: {
    meaning: 'The site could not enrol the gateway; nothing was changed.',
    action: 'Read the log of the backend, and try again with the same invitation.',
  },
  RENEWAL_REFUSED: {
    meaning: 'The certificate of a gateway is not renewed.',
    action:
      'The message says why. Release the gateway from quarantine, or let its machine take its place anew with `blindsight gateway replace NAME`.',
  },
  RENEWAL_EARLY: {
    meaning: 'A gateway asked for another certificate long before it needs one, or too often.',
    action: 'Check the clock of the gateway.',
  },
  CERTIFICATE_NOT_FOUND: {
    meaning: 'The site has issued no certificate with this serial number.',
    action: 'List them with `blindsight site certificates`.',
  },
  CERTIFICATE_IN_USE: {
    meaning: 'A certificate is what a daemon of this site shows now: without it, the site stands still.',
    action:
      'If its key is lost, revoke it with --yes, then run `blindsight site renew --new-keys` and restart broker and backend.',
  },
} as const satisfies Record<string, { meaning: string; action: string }>;
