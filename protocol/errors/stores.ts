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
  ROLES_NEED_POSTGRESQL: {
    meaning:
      'A part of the roles of the backend was asked for, but the store of the site is SQLite, which one process uses.',
    action:
      'Leave --role out, or move the site to PostgreSQL: `blindsight site backup` and `site restore --postgresql-url-file`.',
  },
  ROLES_APART: {
    meaning: 'Roles of the backend that belong together were given to different processes.',
    action: 'Give them to one process, as the message says, or set `audit.auditor` to `thread`.',
  },
  ROLE_TAKEN_OVER: {
    meaning:
      'A process of the backend was silent for several seconds, and another one took over its role. It ends, and stands by when it is started again.',
    action:
      'Nothing, if it happens once. If it goes on: look at the load of the machine and at the way to PostgreSQL.',
  },
  GATEWAYS_TAKEN_OVER: {
    meaning:
      'A decryptor was silent for several seconds, and another one took over some of its gateways. Their answers are settled there, once.',
    action:
      'Nothing, if it happens once. If it goes on: look at the load of the machine and at the way to PostgreSQL.',
  },
} as const;
