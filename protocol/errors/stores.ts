/** Codes of the backend's store; part of the one registry in ../errors.ts. */
export const STORE_ERRORS = {
  STORE_UNAVAILABLE: {
    meaning: 'The store cannot be opened.',
    action: 'Check that the path or server is right, and that this user may read and write it.',
  },
  STORE_ADDRESS: {
    meaning: 'The address of the PostgreSQL store cannot be read.',
    action: 'Check the URL in its file, and that the certificates that it names are there and readable.',
  },
  STORE_UNPROTECTED: {
    meaning:
      'The PostgreSQL store is on another machine, and nothing keeps others from reading or playing it.',
    action:
      'Add `?sslmode=verify-full` to its URL, with `&sslrootcert=FILE` if its certificate is from an authority of your own.',
  },
  STORE_TOO_NEW: {
    meaning: 'The store was written by a newer version of Blindsight.',
    action: 'Run that version, or restore a backup that this version wrote.',
  },
} as const;
