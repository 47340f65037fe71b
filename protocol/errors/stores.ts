/** Codes of the backend's store; part of the one registry in ../errors.ts. */
export const STORE_ERRORS = {
  STORE_UNAVAILABLE: {
    meaning: 'The store cannot be opened.',
    action: 'Check that the path or server is right, and that this user may read and write it.',
  },
  STORE_READ_ONLY: {
    meaning:
      'The store takes no writes: PostgreSQL is a standby, or was told not to write; or the file of SQLite, or its disk, is read-only. No answers are accepted, and gateways keep theirs.',
    action:
      'Name all servers in the URL of PostgreSQL, so that the one that writes is found; see `default_transaction_read_only` there, and why it was set. With SQLite: owner and mode of the file, and how its disk is mounted.',
  },
  TABLE_IN_USE: {
    meaning:
      'A transaction in PostgreSQL that began before, and goes on, keeps a table from being changed: results that are too old are not forgotten until it ends. Nothing else waits.',
    action:
      'Find it with `SELECT pid, xact_start, application_name, query FROM pg_stat_activity WHERE xact_start IS NOT NULL ORDER BY xact_start` (a dump, or somebody at psql), and let it end. It is tried again every ten minutes.',
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
  DATABASE_COPY: {
    meaning:
      'The database could not be copied into a backup, or restored from one, by the programs of PostgreSQL.',
    action:
      'Install postgresql-client of at least the version of the server; the message is what the program said. `site backup --without-database` leaves the database to your own copies.',
  },
  QUEUE_UNAVAILABLE: {
    meaning:
      'The queue in NATS JetStream does not answer. Answers get no receipt until it does, so they stay in the outboxes of their gateways.',
    action:
      'Check `queue.servers`, that nats-server runs there, and its log: it also turns JetStream off when its disk is full. Of three servers two must run.',
  },
  QUEUE_FORBIDDEN: {
    meaning: 'The account of the backend at the NATS server may not use the queue of its site.',
    action:
      'Make `users.conf` of the NATS server anew for this site (deploy/nats/make-users.ts), and reload the server.',
  },
  QUEUE_FULL: {
    meaning:
      'The queue in NATS JetStream, or the disk of its server, is full. Answers get no receipt until there is room, so they stay in the outboxes of their gateways.',
    action:
      'See whether decryptors keep up. If it is the disk: make room, or raise `max_file_store` of the server and `queue.maxMegabytes`.',
  },
  ROLES_NEED_POSTGRESQL: {
    meaning:
      'A part of the roles of the backend was asked for, but the store of the site is SQLite, which one process uses.',
    action:
      'Leave --role out. A site has its store in PostgreSQL from its beginning: `blindsight site init --postgresql`.',
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
