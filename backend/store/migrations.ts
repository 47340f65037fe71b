import { BlindsightError } from '#protocol/errors.ts';
import type { Database, Dialect } from './database.ts';
import { partitionedResults } from './partitioned-results.ts';

type Migration = (dialect: Dialect) => readonly string[];

/** Never edit a released entry: append one. The index + 1 is the schema version. */
const MIGRATIONS: readonly Migration[] = [
  ({ integer, bytes, serial, tableOptions }) => [
    `CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) ${tableOptions}`,
    `CREATE TABLE secrets (
      identity TEXT PRIMARY KEY, sealed ${bytes} NOT NULL, created_ms ${integer} NOT NULL
    ) ${tableOptions}`,
    `CREATE TABLE models (
      name TEXT NOT NULL, version ${integer} NOT NULL, created_ms ${integer} NOT NULL,
      description TEXT NOT NULL, PRIMARY KEY (name, version)
    ) ${tableOptions}`,
    `CREATE TABLE gateways (
      name TEXT PRIMARY KEY, signing_key TEXT NOT NULL, certificate_serial TEXT NOT NULL,
      enrolled_ms ${integer} NOT NULL, counter ${integer} NOT NULL,
      last_session ${integer} NOT NULL, last_sequence ${integer} NOT NULL,
      floor_session ${integer} NOT NULL, floor_sequence ${integer} NOT NULL,
      quarantined_ms ${integer}, quarantine_reason TEXT
    ) ${tableOptions}`,
    `CREATE TABLE cameras (
      camera TEXT PRIMARY KEY, gateway TEXT NOT NULL REFERENCES gateways (name), claimed_ms ${integer} NOT NULL
    ) ${tableOptions}`,
    `CREATE TABLE deployments (
      digest TEXT PRIMARY KEY, gateway TEXT NOT NULL REFERENCES gateways (name),
      model TEXT NOT NULL, version ${integer} NOT NULL, counter ${integer} NOT NULL,
      manifest ${bytes} NOT NULL, status TEXT NOT NULL, detail TEXT,
      created_ms ${integer} NOT NULL, updated_ms ${integer} NOT NULL,
      UNIQUE (gateway, counter), FOREIGN KEY (model, version) REFERENCES models (name, version)
    ) ${tableOptions}`,
    `CREATE TABLE inbox (
      id ${serial}, gateway TEXT NOT NULL, digest TEXT NOT NULL, camera TEXT NOT NULL,
      received_ms ${integer} NOT NULL, attempts ${integer} NOT NULL, envelope ${bytes} NOT NULL,
      UNIQUE (gateway, digest)
    ) ${tableOptions}`,
    `CREATE TABLE results (
      gateway TEXT NOT NULL, session ${integer} NOT NULL, sequence ${integer} NOT NULL,
      digest TEXT NOT NULL, camera TEXT NOT NULL, model TEXT NOT NULL, version ${integer} NOT NULL,
      frame_ms ${integer} NOT NULL, stored_ms ${integer} NOT NULL, withheld TEXT, result TEXT,
      PRIMARY KEY (gateway, session, sequence)
    ) ${tableOptions}`,
    'CREATE INDEX results_camera ON results (camera, frame_ms)',
    'CREATE INDEX results_stored ON results (stored_ms)',
    `CREATE TABLE counters (name TEXT PRIMARY KEY, value ${integer} NOT NULL) ${tableOptions}`,
    `CREATE TABLE journal (
      id ${serial}, time_ms ${integer} NOT NULL, level TEXT NOT NULL, code TEXT NOT NULL,
      subject TEXT NOT NULL, message TEXT NOT NULL
    ) ${tableOptions}`,
  ],
  // Cameras that their gateway no longer has: not shown, but still its own for late answers.
  ({ integer }) => [`ALTER TABLE cameras ADD COLUMN retired_ms ${integer}`],
  // What is waiting for each gateway, updated with each envelope: adding it up each time is slow while much is waiting.
  ({ integer, tableOptions }) => [
    `CREATE TABLE inbox_usage (
      gateway TEXT PRIMARY KEY, items ${integer} NOT NULL, bytes ${integer} NOT NULL
    ) ${tableOptions}`,
    `INSERT INTO inbox_usage (gateway, items, bytes)
     SELECT gateway, COUNT(*), SUM(LENGTH(envelope)) FROM inbox GROUP BY gateway`,
  ],
  // Removed gateways stay, so that their names and release counters are never reused.
  ({ integer }) => [`ALTER TABLE gateways ADD COLUMN removed_ms ${integer}`],
  // Answers about named regions: several per envelope, stored once thanks to the envelope's own row in `results`.
  ({ integer, tableOptions }) => [
    `CREATE TABLE region_results (
      gateway TEXT NOT NULL, session ${integer} NOT NULL, sequence ${integer} NOT NULL, region TEXT NOT NULL,
      camera TEXT NOT NULL, frame_ms ${integer} NOT NULL, stored_ms ${integer} NOT NULL, result TEXT NOT NULL,
      PRIMARY KEY (gateway, session, sequence, region)
    ) ${tableOptions}`,
    'CREATE INDEX region_results_camera ON region_results (camera, frame_ms)',
    'CREATE INDEX region_results_stored ON region_results (stored_ms)',
  ],
  // Floors by session, and the highest session that was born: with a single floor per gateway, sessions of a copy closed those of the original.
  ({ integer, tableOptions }) => [
    `CREATE TABLE floors (
      gateway TEXT NOT NULL, from_session ${integer} NOT NULL, session ${integer} NOT NULL, sequence ${integer} NOT NULL,
      PRIMARY KEY (gateway, session)
    ) ${tableOptions}`,
    `INSERT INTO floors (gateway, from_session, session, sequence)
     SELECT name, 0, floor_session, floor_sequence FROM gateways WHERE floor_sequence >= 0`,
    'ALTER TABLE gateways DROP COLUMN floor_session',
    'ALTER TABLE gateways DROP COLUMN floor_sequence',
    `ALTER TABLE gateways ADD COLUMN born_session ${integer} NOT NULL DEFAULT 0`,
    'ALTER TABLE gateways ADD COLUMN born_time TEXT',
    'UPDATE gateways SET born_session = last_session',
  ],
  // What gateways in quarantine sent, until their owner decides; and how the newest answers of each camera ended.
  ({ integer, bytes, serial, tableOptions }) => [
    `CREATE TABLE held (
      id ${serial}, gateway TEXT NOT NULL, digest TEXT NOT NULL, camera TEXT NOT NULL,
      received_ms ${integer} NOT NULL, attempts ${integer} NOT NULL, envelope ${bytes} NOT NULL,
      UNIQUE (gateway, digest)
    ) ${tableOptions}`,
    'CREATE INDEX held_gateway ON held (gateway, id)',
    `CREATE TABLE held_usage (
      gateway TEXT PRIMARY KEY, items ${integer} NOT NULL, bytes ${integer} NOT NULL, dropped ${integer} NOT NULL
    ) ${tableOptions}`,
    `ALTER TABLE cameras ADD COLUMN withheld ${integer} NOT NULL DEFAULT 0`,
    'ALTER TABLE cameras ADD COLUMN recent TEXT',
  ],
  // Few answers are withheld: marks on a time line must not require reading all the others.
  () => ['CREATE INDEX results_withheld ON results (camera, frame_ms) WHERE withheld IS NOT NULL'],
  // Answers that the broker has not acknowledged.
  ({ integer, serial, tableOptions }) => [
    `CREATE TABLE publications (
      id ${serial}, gateway TEXT NOT NULL, session ${integer} NOT NULL, sequence ${integer} NOT NULL
    ) ${tableOptions}`,
  ],
  // Until this version, gateway certificates were valid for five years.
  ({ integer }) => [
    `ALTER TABLE gateways ADD COLUMN certificate_end_ms ${integer} NOT NULL DEFAULT 0`,
    'UPDATE gateways SET certificate_end_ms = enrolled_ms + 157680000000',
  ],
  // Pushed settings, and the key that their credentials are sealed to: gateways enrolled earlier have none.
  ({ integer, bytes, tableOptions }) => [
    'ALTER TABLE gateways ADD COLUMN sealing_key TEXT',
    `ALTER TABLE gateways ADD COLUMN configuration ${integer} NOT NULL DEFAULT 0`,
    `ALTER TABLE gateways ADD COLUMN configuration_running ${integer}`,
    `ALTER TABLE gateways ADD COLUMN configuration_drift ${integer} NOT NULL DEFAULT 0`,
    `CREATE TABLE configurations (
      gateway TEXT NOT NULL REFERENCES gateways (name), version ${integer} NOT NULL, author TEXT NOT NULL,
      wire ${bytes} NOT NULL, status TEXT NOT NULL, error_code TEXT, error_message TEXT,
      created_ms ${integer} NOT NULL, updated_ms ${integer} NOT NULL, PRIMARY KEY (gateway, version)
    ) ${tableOptions}`,
  ],
  // People, their sessions on the page, and tokens of programs. Of passwords, sessions and tokens only hashes.
  ({ integer, tableOptions }) => [
    `CREATE TABLE people (
      name TEXT PRIMARY KEY, role TEXT NOT NULL, password TEXT NOT NULL, generation ${integer} NOT NULL,
      created_ms ${integer} NOT NULL, disabled_ms ${integer}
    ) ${tableOptions}`,
    `CREATE TABLE sessions (
      hash TEXT PRIMARY KEY, person TEXT NOT NULL, generation ${integer} NOT NULL, site_token TEXT,
      created_ms ${integer} NOT NULL, used_ms ${integer} NOT NULL
    ) ${tableOptions}`,
    `CREATE TABLE tokens (
      name TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, role TEXT NOT NULL,
      created_ms ${integer} NOT NULL, end_ms ${integer}, revoked_ms ${integer}
    ) ${tableOptions}`,
  ],
  // Releases that reach many gateways in waves, and the groups that gateways are named by.
  ({ integer, serial, tableOptions }) => [
    "ALTER TABLE gateways ADD COLUMN group_names TEXT NOT NULL DEFAULT ''",
    `CREATE TABLE rollouts (
      id ${serial}, kind TEXT NOT NULL, name TEXT, version TEXT, author TEXT NOT NULL, undoes ${integer},
      waves ${integer} NOT NULL, wave ${integer} NOT NULL, limit_ms ${integer} NOT NULL, max_failures ${integer} NOT NULL,
      state TEXT NOT NULL, error_code TEXT, error_message TEXT,
      created_ms ${integer} NOT NULL, deadline_ms ${integer} NOT NULL, paused_ms ${integer}, ended_ms ${integer}
    ) ${tableOptions}`,
    `CREATE TABLE rollout_gateways (
      rollout ${integer} NOT NULL REFERENCES rollouts (id), gateway TEXT NOT NULL, place ${integer} NOT NULL,
      wave ${integer} NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL, earlier_name TEXT, earlier_version TEXT,
      signing_key TEXT NOT NULL, base_digest TEXT, digest TEXT, held ${integer} NOT NULL,
      state TEXT NOT NULL, error_code TEXT, error_message TEXT,
      released_ms ${integer}, deadline_ms ${integer}, ended_ms ${integer}, PRIMARY KEY (rollout, gateway)
    ) ${tableOptions}`,
    // A gateway is in one rollout at a time, also where two operators start one at the same moment.
    'CREATE UNIQUE INDEX rollout_gateways_held ON rollout_gateways (gateway) WHERE held = 1',
  ],
  // Every certificate that was issued to a client, and the invitations of gateways.
  ({ integer, tableOptions }) => [
    `CREATE TABLE certificates (
      serial TEXT PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, issued_ms ${integer} NOT NULL,
      ends_ms ${integer} NOT NULL, revoked_ms ${integer}
    ) ${tableOptions}`,
    'CREATE INDEX certificates_name ON certificates (kind, name, issued_ms)',
    `INSERT INTO certificates (serial, kind, name, issued_ms, ends_ms, revoked_ms)
     SELECT UPPER(certificate_serial), 'gateway', name, enrolled_ms, certificate_end_ms, removed_ms FROM gateways
     WHERE true ON CONFLICT (serial) DO NOTHING`,
    `CREATE TABLE invitations (
      secret_digest TEXT PRIMARY KEY, gateway TEXT NOT NULL, replaces ${integer} NOT NULL, created_ms ${integer} NOT NULL,
      expires_ms ${integer} NOT NULL, used_ms ${integer}, request_digest TEXT, answer TEXT
    ) ${tableOptions}`,
  ],
  // What was ordered of gateways, and what they answered.
  ({ integer, bytes, tableOptions }) => [
    `CREATE TABLE commands (
      id TEXT PRIMARY KEY, gateway TEXT NOT NULL REFERENCES gateways (name), type TEXT NOT NULL, arguments TEXT NOT NULL,
      author TEXT NOT NULL, wire ${bytes} NOT NULL, created_ms ${integer} NOT NULL, expires_ms ${integer} NOT NULL,
      status TEXT NOT NULL, settled_ms ${integer}, code TEXT, message TEXT, media_type TEXT, content ${bytes}, content_bytes ${integer}
    ) ${tableOptions}`,
    'CREATE INDEX commands_gateway ON commands (gateway, created_ms)',
    `CREATE INDEX commands_pending ON commands (created_ms) WHERE status = 'pending'`,
  ],
  // Who did what. The database itself refuses to change or remove an entry, or to put one anywhere but at the end.
  ({ kind, integer, bytes, tableOptions }) => [
    `CREATE TABLE audit (
      seq ${integer} PRIMARY KEY, time_ms ${integer} NOT NULL, actor TEXT NOT NULL, role TEXT NOT NULL, door TEXT NOT NULL,
      act TEXT NOT NULL, subject TEXT NOT NULL, outcome TEXT NOT NULL, details TEXT NOT NULL, began ${integer},
      previous ${bytes} NOT NULL, hash ${bytes} NOT NULL
    ) ${tableOptions}`,
    'CREATE UNIQUE INDEX audit_began ON audit (began) WHERE began IS NOT NULL',
    ...auditTriggers(kind),
  ],
  // Archives of the gateways' software, their releases, and what each gateway says that it runs.
  ({ integer, bytes, tableOptions }) => [
    `ALTER TABLE gateways ADD COLUMN software_counter ${integer} NOT NULL DEFAULT 0`,
    'ALTER TABLE gateways ADD COLUMN software_version TEXT',
    'ALTER TABLE gateways ADD COLUMN software_platform TEXT',
    `CREATE TABLE software (
      version TEXT NOT NULL, platform TEXT NOT NULL, sha256 TEXT NOT NULL, bytes ${integer} NOT NULL,
      contents TEXT NOT NULL, added_ms ${integer} NOT NULL, PRIMARY KEY (version, platform)
    ) ${tableOptions}`,
    `CREATE TABLE software_releases (
      digest TEXT PRIMARY KEY, gateway TEXT NOT NULL REFERENCES gateways (name), version TEXT NOT NULL,
      platform TEXT NOT NULL, counter ${integer} NOT NULL, manifest ${bytes} NOT NULL, status TEXT NOT NULL, detail TEXT,
      created_ms ${integer} NOT NULL, updated_ms ${integer} NOT NULL, UNIQUE (gateway, counter)
    ) ${tableOptions}`,
  ],
  // What gateways say about keys and freshness, as JSON; and networks that are taken out of service.
  ({ integer }) => [
    'ALTER TABLE gateways ADD COLUMN trust TEXT',
    `ALTER TABLE models ADD COLUMN retired_ms ${integer}`,
    `ALTER TABLE models ADD COLUMN refused_from_ms ${integer}`,
  ],
  // A gateway whose place another box took: the key of the one before, and up to which version passwords are sealed to that one.
  ({ integer }) => [
    'ALTER TABLE gateways ADD COLUMN former_signing_key TEXT',
    `ALTER TABLE gateways ADD COLUMN sealed_after ${integer} NOT NULL DEFAULT 0`,
  ],
  // Answers that gateways are asked to open, and what came of it.
  ({ integer, bytes, serial, tableOptions }) => [
    `CREATE TABLE challenges (
      id ${serial}, gateway TEXT NOT NULL, session ${integer} NOT NULL, sequence ${integer} NOT NULL, digest TEXT NOT NULL,
      camera TEXT NOT NULL, regions TEXT, frame_time TEXT NOT NULL, bundle TEXT NOT NULL,
      received_ms ${integer} NOT NULL, due_ms ${integer} NOT NULL, decrypted ${integer} NOT NULL, message TEXT, asked_ms ${integer},
      opening ${bytes}, undone ${integer} NOT NULL, verdict TEXT, settled_ms ${integer},
      UNIQUE (gateway, session, sequence, digest)
    ) ${tableOptions}`,
    'CREATE INDEX challenges_waiting ON challenges (gateway, id) WHERE verdict IS NULL',
    'CREATE INDEX challenges_message ON challenges (gateway, message)',
    'CREATE INDEX challenges_settled ON challenges (settled_ms) WHERE verdict IS NOT NULL',
    `CREATE TABLE audited_gateways (
      gateway TEXT PRIMARY KEY, decrypted ${integer} NOT NULL, equal ${integer} NOT NULL, unequal ${integer} NOT NULL,
      missing ${integer} NOT NULL, missing_row ${integer} NOT NULL, last_equal_ms ${integer}, counted_from_ms ${integer} NOT NULL
    ) ${tableOptions}`,
  ],
  // The key sets of a network. What was deployed to several gateways before is shared by them, and what one gateway had is its own.
  ({ integer, tableOptions }) => [
    `CREATE TABLE protections (
      model TEXT NOT NULL, version ${integer} NOT NULL, number ${integer} NOT NULL, created_ms ${integer} NOT NULL,
      gateway TEXT, shared ${integer} NOT NULL DEFAULT 0, material TEXT,
      retired_ms ${integer}, refused_from_ms ${integer}, reason TEXT, cleared_ms ${integer},
      PRIMARY KEY (model, version, number)
    ) ${tableOptions}`,
    // A gateway has one in use of each network, also where two operators deploy at the same moment.
    'CREATE UNIQUE INDEX protections_gateway ON protections (model, version, gateway) WHERE retired_ms IS NULL',
    `ALTER TABLE deployments ADD COLUMN protection ${integer} NOT NULL DEFAULT 1`,
    `INSERT INTO protections (model, version, number, created_ms, gateway, shared)
     SELECT m.name, m.version, 1, m.created_ms,
       CASE WHEN COUNT(DISTINCT d.gateway) = 1 THEN MIN(d.gateway) END,
       CASE WHEN COUNT(DISTINCT d.gateway) > 1 THEN 1 ELSE 0 END
     FROM models AS m LEFT JOIN deployments AS d ON d.model = m.name AND d.version = m.version
     GROUP BY m.name, m.version, m.created_ms`,
  ],
  // How much the answers of a network tell, as JSON.
  () => ['ALTER TABLE models ADD COLUMN output TEXT'],
  // Turns of gateways, when a release was active first, and whose words and whose share the entries of the journal are.
  ({ integer }) => [
    'CREATE INDEX inbox_gateway ON inbox (gateway, id)',
    `ALTER TABLE deployments ADD COLUMN active_ms ${integer}`,
    "UPDATE deployments SET active_ms = updated_ms WHERE status = 'active'",
    'ALTER TABLE journal ADD COLUMN source TEXT',
    'ALTER TABLE journal ADD COLUMN share TEXT',
    'CREATE INDEX journal_share ON journal (share, id)',
  ],
  // What published answers may have told about keys.
  ({ kind, integer, tableOptions }) =>
    leakTables(kind === 'sqlite' ? 'REAL' : 'DOUBLE PRECISION', integer, tableOptions),
  // Which keys the gateways of a rollout get, and releases whose answers are refused.
  ({ integer }) => [
    'ALTER TABLE rollouts ADD COLUMN keys TEXT',
    `ALTER TABLE deployments ADD COLUMN refused_from_ms ${integer}`,
  ],
  // Networks beside the default one of a gateway, and whether its software knows them.
  ({ integer }) => [
    `ALTER TABLE deployments ADD COLUMN beside ${integer} NOT NULL DEFAULT 0`,
    `ALTER TABLE rollout_gateways ADD COLUMN beside ${integer} NOT NULL DEFAULT 0`,
    `ALTER TABLE gateways ADD COLUMN several ${integer}`,
  ],
  // Answers that waited in an outbox stand behind those that are current. What waits here now goes as before, with the current.
  ({ integer }) => [
    `ALTER TABLE inbox ADD COLUMN late ${integer} NOT NULL DEFAULT 0`,
    'DROP INDEX inbox_gateway',
    'CREATE INDEX inbox_gateway ON inbox (gateway, late, id)',
  ],
  // Zones that are drawn in the pictures of cameras.
  ({ tableOptions }) => [
    `CREATE TABLE zones (
      camera TEXT NOT NULL, name TEXT NOT NULL, corners TEXT NOT NULL, PRIMARY KEY (camera, name)
    ) ${tableOptions}`,
  ],
  // Alerts, and where they are sent.
  ({ integer, serial, tableOptions }) => [
    `CREATE TABLE alerts (
      id ${serial}, rule TEXT NOT NULL, subject_key TEXT NOT NULL, severity TEXT NOT NULL, title TEXT NOT NULL, message TEXT NOT NULL,
      raised_ms ${integer} NOT NULL, ended_ms ${integer}, acknowledged_ms ${integer}, acknowledged_by TEXT,
      times ${integer} NOT NULL, is_open ${integer} NOT NULL, revision ${integer} NOT NULL
    ) ${tableOptions}`,
    'CREATE UNIQUE INDEX alerts_open ON alerts (rule, subject_key) WHERE is_open = 1',
    'CREATE INDEX alerts_raised ON alerts (raised_ms)',
    `CREATE TABLE channels (
      name TEXT PRIMARY KEY, kind TEXT NOT NULL, leads_to TEXT NOT NULL, created_ms ${integer} NOT NULL
    ) ${tableOptions}`,
    `CREATE TABLE deliveries (
      id ${serial}, delivery_key TEXT NOT NULL UNIQUE, channel TEXT NOT NULL, alert TEXT NOT NULL, created_ms ${integer} NOT NULL,
      due_ms ${integer} NOT NULL, attempts ${integer} NOT NULL, error TEXT, settled_ms ${integer}, outcome TEXT
    ) ${tableOptions}`,
    'CREATE INDEX deliveries_waiting ON deliveries (channel, id) WHERE settled_ms IS NULL',
  ],
  // Settled answers on their way to history, events and alerts.
  ({ integer, serial, tableOptions }) => [
    `CREATE TABLE feed (
      id ${serial}, gateway TEXT NOT NULL, session ${integer} NOT NULL, sequence ${integer} NOT NULL
    ) ${tableOptions}`,
  ],
  // What is there now, what was there for a while, and rules.
  ({ kind, integer, serial, tableOptions }) => [
    `CREATE TABLE situations (
      camera TEXT NOT NULL, region TEXT NOT NULL, zone TEXT NOT NULL, label TEXT NOT NULL, state TEXT NOT NULL,
      PRIMARY KEY (camera, region, zone, label)
    ) ${tableOptions}`,
    `CREATE TABLE events (
      id ${serial}, camera TEXT NOT NULL, region TEXT NOT NULL, zone TEXT NOT NULL, label TEXT NOT NULL, model TEXT NOT NULL,
      start_ms ${integer} NOT NULL, end_ms ${integer}, peak ${kind === 'sqlite' ? 'REAL' : 'DOUBLE PRECISION'}, answers ${integer} NOT NULL,
      reviewed_by TEXT, reviewed_ms ${integer}
    ) ${tableOptions}`,
    'CREATE INDEX events_start ON events (start_ms, id)',
    'CREATE INDEX events_camera ON events (camera, start_ms, id)',
    'CREATE INDEX events_end ON events (end_ms)',
    `CREATE TABLE event_hours (
      camera TEXT PRIMARY KEY, hour_ms ${integer} NOT NULL, kept ${integer} NOT NULL, omitted ${integer} NOT NULL
    ) ${tableOptions}`,
    `CREATE TABLE rules (
      name TEXT PRIMARY KEY, rule TEXT NOT NULL, changed_ms ${integer} NOT NULL, author TEXT NOT NULL, revision ${integer} NOT NULL
    ) ${tableOptions}`,
    `CREATE TABLE rule_progress (
      rule TEXT NOT NULL, revision ${integer} NOT NULL, subject TEXT NOT NULL, state TEXT NOT NULL, PRIMARY KEY (revision, subject)
    ) ${tableOptions}`,
  ],
  // Answers added up by minute, hour and day, and the counters of each hour. What is stored already is added up later, some at a time.
  ({ kind, integer, bytes, serial, tableOptions }) => [
    `CREATE TABLE roll_up_lines (
      id ${serial}, camera TEXT NOT NULL, region TEXT NOT NULL, model TEXT NOT NULL, task TEXT NOT NULL, output TEXT,
      labels TEXT NOT NULL, newest_day ${integer} NOT NULL, UNIQUE (camera, region, model, task)
    ) ${tableOptions}`,
    // Four bytes for each number, also in PostgreSQL, and no second tree for the key in SQLite: there are many rows.
    // Those of slots that are not over change all the time: apart, so that they leave no holes among the others.
    ...['roll_ups', 'open_roll_ups'].map(
      (table) => `CREATE TABLE ${table} (
        slot INTEGER NOT NULL, line INTEGER NOT NULL, data ${bytes} NOT NULL, PRIMARY KEY (slot, line)
      ) ${tableOptions}${kind === 'sqlite' ? ', WITHOUT ROWID' : ''}`,
    ),
    `INSERT INTO settings (name, value)
     SELECT 'history.built-before', CAST(stored_ms + 1 AS TEXT) FROM results ORDER BY stored_ms DESC LIMIT 1`,
    `CREATE TABLE counter_hours (
      hour ${integer} NOT NULL, name TEXT NOT NULL, value ${integer} NOT NULL, PRIMARY KEY (hour, name)
    ) ${tableOptions}`,
  ],
  // How people call a camera, and the groups that they put it in.
  ({ tableOptions }) => [
    `CREATE TABLE camera_names (
      camera TEXT PRIMARY KEY, display_name TEXT, group_names TEXT NOT NULL
    ) ${tableOptions}`,
  ],
  // Pictures of further cameras that an answer to be opened is about, as JSON.
  () => ['ALTER TABLE challenges ADD COLUMN others TEXT'],
  // What one of several processes has for itself; the part of the gateways that something waits of (of what waited before: `InboxStore.divide`); and who was heard.
  ({ integer, tableOptions }) => [
    `CREATE TABLE leases (
      name TEXT PRIMARY KEY, holder TEXT NOT NULL, until_ms ${integer} NOT NULL
    ) ${tableOptions}`,
    `ALTER TABLE inbox ADD COLUMN shard ${integer}`,
    `ALTER TABLE inbox_usage ADD COLUMN shard ${integer}`,
    `CREATE TABLE heard (gateway TEXT PRIMARY KEY, received_ms ${integer} NOT NULL) ${tableOptions}`,
  ],
  // How often a decryption was begun of envelopes that wait in a queue outside of the store.
  ({ integer, tableOptions }) => [
    `CREATE TABLE attempts (
      gateway TEXT NOT NULL, digest TEXT NOT NULL, count ${integer} NOT NULL, PRIMARY KEY (gateway, digest)
    ) ${tableOptions}`,
  ],
  // Pictures of the answers that were gathered behind one that is to be opened, as JSON.
  () => ['ALTER TABLE challenges ADD COLUMN later TEXT'],
  // Receipts of what waited outside of the store and is settled in it; whoever speaks to gateways takes them away.
  ({ integer, tableOptions }) => [
    `CREATE TABLE due_receipts (
      gateway TEXT NOT NULL, digest TEXT NOT NULL, received_ms ${integer} NOT NULL, PRIMARY KEY (gateway, digest)
    ) ${tableOptions}`,
  ],
  // In PostgreSQL results in tables of a day each (ResultPartitions); and when it was stored what waits to be followed or published.
  ({ kind, integer }) => [
    `ALTER TABLE feed ADD COLUMN stored_ms ${integer}`,
    `ALTER TABLE publications ADD COLUMN stored_ms ${integer}`,
    ...(kind === 'sqlite' ? [] : partitionedResults()),
  ],
  // Whether there is a newer release is asked each second, however many there are.
  () => ['CREATE INDEX deployments_created ON deployments (created_ms)'],
];

function leakTables(real: string, integer: string, tableOptions: string): string[] {
  return [
    `CREATE TABLE leak_sums (
      gateway TEXT NOT NULL, model TEXT NOT NULL, version ${integer} NOT NULL, number ${integer} NOT NULL,
      share ${real} NOT NULL, answers ${integer} NOT NULL, telling ${integer} NOT NULL,
      bits ${real} NOT NULL, most ${real} NOT NULL, PRIMARY KEY (gateway, model, version, number, share)
    ) ${tableOptions}`,
    `CREATE TABLE leak_accounts (
      gateway TEXT NOT NULL, model TEXT NOT NULL, version ${integer} NOT NULL, number ${integer} NOT NULL, state TEXT NOT NULL,
      bits ${real} NOT NULL, key_bits ${real} NOT NULL, per_day ${real},
      day_ms ${integer} NOT NULL, day_bits ${real} NOT NULL, silent_before ${integer} NOT NULL, ordered_ms ${integer},
      PRIMARY KEY (gateway, model, version, number)
    ) ${tableOptions}`,
  ];
}

function auditTriggers(kind: Dialect['kind']): string[] {
  const why = 'the audit log only grows';
  if (kind === 'sqlite') {
    const refuse = (when: string, condition = '') =>
      `CREATE TRIGGER audit_no_${when.toLowerCase()} BEFORE ${when} ON audit ${condition} BEGIN SELECT RAISE(ABORT, '${why}'); END`;
    return [
      refuse('UPDATE'),
      refuse('DELETE'),
      refuse('INSERT', 'WHEN NEW.seq <> (SELECT COALESCE(MAX(seq), 0) + 1 FROM audit)'),
    ];
  }
  const refuse = (when: string, each: string) =>
    `CREATE TRIGGER audit_no_${when.split(' ')[0]?.toLowerCase()} BEFORE ${when} ON audit FOR EACH ${each} EXECUTE FUNCTION audit_only_grows()`;
  return [
    `CREATE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '${why}'; END $$`,
    refuse('UPDATE OR DELETE', 'ROW'),
    refuse('TRUNCATE', 'STATEMENT'),
  ];
}

/** Schema of this version of Blindsight. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/**
 * Brings a database to the schema of this version of Blindsight, in one transaction.
 *
 * @param target schema to stop at; tests use it to make an old one
 * @throws BlindsightError STORE_TOO_NEW where a newer Blindsight wrote the database.
 */
export async function migrate(database: Database, target = MIGRATIONS.length): Promise<void> {
  await database.transaction(async (inside) => {
    const { dialect } = inside;
    if (dialect.kind === 'postgresql') {
      // Two processes may open a fresh database at once; IF NOT EXISTS alone races in PostgreSQL's catalog.
      await inside.run('SELECT pg_advisory_xact_lock(2021161080)');
    }
    await inside.run(
      `CREATE TABLE IF NOT EXISTS schema_version (version ${dialect.integer} NOT NULL) ${dialect.tableOptions}`,
    );
    const [row] = await inside.all<{ version: number }>('SELECT version FROM schema_version');
    const current = row?.version ?? 0;
    if (current > MIGRATIONS.length) {
      throw new BlindsightError(
        'STORE_TOO_NEW',
        `the store has schema ${current}, this version of Blindsight knows at most ${MIGRATIONS.length}`,
      );
    }
    for (const migration of MIGRATIONS.slice(current, target)) {
      for (const statement of migration(dialect)) await inside.run(statement);
    }
    if (row === undefined) await inside.run('INSERT INTO schema_version VALUES (?)', target);
    else if (current < target) await inside.run('UPDATE schema_version SET version = ?', target);
  });
}
