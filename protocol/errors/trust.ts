/** Codes about whom a gateway believes, and how fresh that is: part of the registry in ../errors.ts. */
export const TRUST_ERRORS = {
  TRUST_INVALID: {
    meaning: 'The bytes of a message about keys and freshness are malformed.',
    action:
      'Run the same version of Blindsight on both sides; look for another program that publishes on this topic.',
  },
  TRUST_FOREIGN: {
    meaning:
      'A message about keys and freshness is for another gateway, or not signed by the root key or an owner key of its site.',
    action:
      'Look for a foreign publisher on the broker. If the owner key was replaced and this gateway does not know the root key, enrol its machine again.',
  },
  TRUST_OLD: {
    meaning: 'Something signed is older than what the site already told this gateway.',
    action:
      'Nothing, if it passes; otherwise look for somebody who replays old messages on the broker, or for a site restored from an old backup.',
  },
  TRUST_STALE: {
    meaning:
      'The site has not told this gateway for too long what is newest, so that nothing new is accepted; what runs goes on.',
    action:
      'Let the backend run and reach the broker; check the clocks of both machines. If it does run, somebody holds its messages back.',
  },
  TRUST_EXPIRED: {
    meaning: 'A signed network, configuration, release or list of keys is past its expiry.',
    action: 'Deploy or push it again. For the list of keys: `blindsight site owner-key rotate`.',
  },
  ROOT_KEY_INVALID: {
    meaning: 'A file is not the root key of this site.',
    action:
      'Name the file `root.key` that `blindsight site init` or `blindsight site root-key` made for this site.',
  },
  ROOT_KEY_MISSING: {
    meaning: 'The site was made before sites had a root key, and has none.',
    action: 'Make one with `blindsight site root-key --out FILE`, and take that file off this machine.',
  },
  ROOT_KEY_EXISTS: {
    meaning: 'The site has a root key already; a second one would not be believed.',
    action: 'Use the one that there is.',
  },
  OWNER_KEY_NOT_FOUND: {
    meaning: 'No owner key of this site has this id, or it is the one that signs.',
    action: 'List the keys with `blindsight site owner-key list`.',
  },
  OWNER_KEY_IN_USE: {
    meaning: 'Gateways still run something that only this owner key has signed; without it they would stop.',
    action: 'Wait until they have taken over what was signed anew; `--now` retires the key all the same.',
  },
  GATEWAY_TOO_OLD: {
    meaning: 'The software of a gateway is too old for what was asked, or it was never connected.',
    action: 'Let it connect, or update its software; or leave the option out.',
  },
  MODEL_RETIRED: {
    meaning: 'A network is retired, so that nothing new is deployed of it.',
    action:
      'Deploy another version, or take it back into service with `blindsight model reinstate NAME --version N`.',
  },
} as const;
