/** Codes about the keys of protected networks: part of the registry in ../errors.ts. */
export const KEY_ERRORS = {
  KEYS_UNDECIDED: {
    meaning:
      'The bundle of a network is so large that keys of its own for each gateway cost much time and disk, and nobody said whether they shall have them.',
    action:
      'Say `--per-gateway` (what leaks on one box opens nothing of the others) or `--shared` (one key pair for all).',
  },
  KEY_SET_MISSING: {
    meaning: 'No keys have been made for a gateway and a network.',
    action: 'Deploy it with `blindsight deploy`, or in a rollout: both make what is missing first.',
  },
  KEY_SET_SOURCE: {
    meaning:
      'Further keys cannot be made for a protected network: its description was not kept, or this version of Blindsight compiles it to another program.',
    action:
      'Protect the network again, and deploy the new version; or share the keys that it has: `--shared`.',
  },
  KEY_SET_RETIRED: {
    meaning: 'The keys that a gateway was to get are retired.',
    action: 'Deploy the network to the gateway: it gets others.',
  },
  REKEY_NOTHING: {
    meaning: 'No network was deployed to a gateway, so that there are no keys to replace.',
    action: 'Deploy one.',
  },
} as const;
