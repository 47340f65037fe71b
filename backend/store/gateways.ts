import type { ReportedTrust } from '#protocol/messages.ts';
import { CertificateStore } from './certificates.ts';
import { ChallengeStore } from './challenges.ts';
import type { Database } from './database.ts';
import { rowsOf } from './many-rows.ts';

/** Position of an envelope in everything a gateway sends; sessions count first. */
export type Position = { readonly session: number; readonly sequence: number };

/** Whether `left` comes after `right`. */
export function isBeyond(left: Position, right: Position): boolean {
  return left.session > right.session || (left.session === right.session && left.sequence > right.sequence);
}

export type GatewayRecord = {
  readonly name: string;
  /** Ed25519 public key, PEM, that signs this gateway's envelopes. */
  readonly signingKey: string;
  /** X25519 public key, PEM, that credentials are sealed to; null if it was enrolled before such keys existed. */
  readonly sealingKey: string | null;
  /** Ed25519 public key, PEM, of the box whose place another one took last; null if it is still the first. */
  readonly formerSigningKey: string | null;
  /** Credentials in versions of its settings up to this one are sealed to an earlier box. */
  readonly sealedAfter: number;
  readonly certificateSerial: string;
  readonly certificateEndMs: number;
  readonly enrolledMs: number;
  /** Highest release counter handed out. */
  readonly counter: number;
  /** Position of the newest settled envelope; (0, −1) at first. */
  readonly last: Position;
  readonly quarantine: { readonly sinceMs: number; readonly reason: string } | null;
  /** Names that rollouts may call it by together with others, sorted. */
  readonly groups: readonly string[];
  /** What it last said about keys and freshness; null before it did, or if its software is too old. */
  readonly trust: ReportedTrust | null;
  /** Whether its software runs several networks, as it last said; null before it said anything. */
  readonly several: boolean | null;
};

/** As much of a gateway as its answers are judged by. */
export type SenderRecord = Pick<
  GatewayRecord,
  'name' | 'signingKey' | 'formerSigningKey' | 'enrolledMs' | 'last'
> & { readonly isQuarantined: boolean };

export type RemovedGateway = {
  readonly name: string;
  readonly certificateSerial: string;
  readonly removedMs: number;
};

type Row = {
  name: string;
  signing_key: string;
  sealing_key: string | null;
  former_signing_key: string | null;
  sealed_after: number;
  certificate_serial: string;
  certificate_end_ms: number;
  enrolled_ms: number;
  counter: number;
  last_session: number;
  last_sequence: number;
  quarantined_ms: number | null;
  quarantine_reason: string | null;
  group_names: string;
  trust: string | null;
  several: number | null;
};

type SenderRow = Pick<
  Row,
  | 'name'
  | 'signing_key'
  | 'former_signing_key'
  | 'enrolled_ms'
  | 'last_session'
  | 'last_sequence'
  | 'quarantined_ms'
>;

function fromRow(row: Row): GatewayRecord {
  return {
    name: row.name,
    signingKey: row.signing_key,
    sealingKey: row.sealing_key,
    formerSigningKey: row.former_signing_key,
    sealedAfter: row.sealed_after,
    certificateSerial: row.certificate_serial,
    certificateEndMs: row.certificate_end_ms,
    enrolledMs: row.enrolled_ms,
    counter: row.counter,
    last: { session: row.last_session, sequence: row.last_sequence },
    quarantine:
      row.quarantined_ms === null
        ? null
        : { sinceMs: row.quarantined_ms, reason: row.quarantine_reason ?? '' },
    groups: row.group_names.split(' ').filter(Boolean),
    trust: row.trust === null ? null : (JSON.parse(row.trust) as ReportedTrust),
    several: row.several === null ? null : row.several === 1,
  };
}

export class GatewayStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Records a gateway and its certificate; call it in a transaction. @returns false if a gateway of that name exists or existed. */
  async add(gateway: {
    name: string;
    signingKey: string;
    sealingKey?: string;
    certificateSerial: string;
    certificateEndMs: number;
    enrolledMs: number;
  }): Promise<boolean> {
    const changed = await this.#database.run(
      `INSERT INTO gateways
         (name, signing_key, sealing_key, certificate_serial, certificate_end_ms, enrolled_ms, counter, last_session, last_sequence)
       VALUES (?, ?, ?, ?, ?, ?, 0, 0, -1) ON CONFLICT (name) DO NOTHING`,
      gateway.name,
      gateway.signingKey,
      gateway.sealingKey ?? null,
      gateway.certificateSerial,
      gateway.certificateEndMs,
      gateway.enrolledMs,
    );
    if (changed !== 1) return false;
    await new CertificateStore(this.#database).add({
      serial: gateway.certificateSerial,
      kind: 'gateway',
      name: gateway.name,
      issuedMs: gateway.enrolledMs,
      endsMs: gateway.certificateEndMs,
    });
    return true;
  }

  /**
   * Another box takes the place of a gateway: other keys, another certificate, which is recorded, too; everything else stays, also a quarantine.
   * Call it in a transaction, which has to revoke the certificates of before.
   *
   * @returns false for an unknown gateway.
   */
  async replace(gateway: {
    name: string;
    signingKey: string;
    sealingKey: string;
    certificateSerial: string;
    certificateEndMs: number;
    replacedMs: number;
  }): Promise<boolean> {
    const { name, signingKey, sealingKey, certificateSerial, certificateEndMs, replacedMs } = gateway;
    const changed = await this.#database.run(
      `UPDATE gateways SET former_signing_key = signing_key, sealed_after = configuration,
         signing_key = ?, sealing_key = ?, certificate_serial = ?, certificate_end_ms = ?,
         software_version = NULL, software_platform = NULL, several = NULL
       WHERE name = ? AND removed_ms IS NULL`,
      signingKey,
      sealingKey,
      certificateSerial,
      certificateEndMs,
      name,
    );
    if (changed !== 1) return false;
    await new ChallengeStore(this.#database).forgetWaiting(name);
    await new CertificateStore(this.#database).add({
      serial: certificateSerial,
      kind: 'gateway',
      name,
      issuedMs: replacedMs,
      endsMs: certificateEndMs,
    });
    return true;
  }

  /** A gateway shows another of its certificates: from now on that one's end counts. */
  async setCertificate(name: string, serial: string, endMs: number): Promise<void> {
    await this.#database.run(
      'UPDATE gateways SET certificate_serial = ?, certificate_end_ms = ? WHERE name = ? AND removed_ms IS NULL',
      serial,
      endMs,
      name,
    );
  }

  /** @returns null also for a gateway that was removed. */
  async get(name: string): Promise<GatewayRecord | null> {
    const [row] = await this.#database.all<Row>(
      'SELECT * FROM gateways WHERE name = ? AND removed_ms IS NULL',
      name,
    );
    return row === undefined ? null : fromRow(row);
  }

  /** As much as answers are judged by, of which there are many: the same as {@link get}, sooner. */
  async sender(name: string): Promise<SenderRecord | null> {
    return (await this.senders([name])).get(name) ?? null;
  }

  /** As {@link sender}, of several by name, without those that are unknown. */
  async senders(names: readonly string[]): Promise<Map<string, SenderRecord>> {
    const rows = await rowsOf<SenderRow>(
      this.#database,
      `SELECT name, signing_key, former_signing_key, enrolled_ms, last_session, last_sequence, quarantined_ms
       FROM gateways WHERE removed_ms IS NULL AND name IN`,
      names,
    );
    return new Map(
      rows.map((row) => [
        row.name,
        {
          name: row.name,
          signingKey: row.signing_key,
          formerSigningKey: row.former_signing_key,
          enrolledMs: row.enrolled_ms,
          last: { session: row.last_session, sequence: row.last_sequence },
          isQuarantined: row.quarantined_ms !== null,
        },
      ]),
    );
  }

  /** Keeps what a gateway says about keys and freshness. @returns false where nothing changed. */
  async setTrust(name: string, trust: ReportedTrust): Promise<boolean> {
    const text = JSON.stringify(trust);
    const changed = await this.#database.run(
      "UPDATE gateways SET trust = ? WHERE name = ? AND COALESCE(trust, '') <> ?",
      text,
      name,
      text,
    );
    return changed === 1;
  }

  /** Keeps whether the software of a gateway runs several networks. */
  async setSeveral(name: string, several: boolean): Promise<void> {
    await this.#database.run(
      'UPDATE gateways SET several = ? WHERE name = ? AND (several IS NULL OR several <> ?)',
      Number(several),
      name,
      Number(several),
    );
  }

  async list(): Promise<GatewayRecord[]> {
    const rows = await this.#database.all<Row>(
      'SELECT * FROM gateways WHERE removed_ms IS NULL ORDER BY name',
    );
    return rows.map(fromRow);
  }

  /** Removes a gateway for good, and revokes its certificates; call it in a transaction. @returns false where there is none. */
  async remove(name: string, timeMs: number): Promise<boolean> {
    const changed = await this.#database.run(
      'UPDATE gateways SET removed_ms = ? WHERE name = ? AND removed_ms IS NULL',
      timeMs,
      name,
    );
    if (changed === 1) {
      await new ChallengeStore(this.#database).forgetWaiting(name);
      await new CertificateStore(this.#database).revokeAll('gateway', name, timeMs);
    }
    return changed === 1;
  }

  /** All gateways that were ever removed, by name. */
  async removed(): Promise<RemovedGateway[]> {
    return this.#database.all<RemovedGateway>(
      `SELECT name, certificate_serial AS "certificateSerial", removed_ms AS "removedMs"
       FROM gateways WHERE removed_ms IS NOT NULL ORDER BY name`,
    );
  }

  /** Raises the counters of releases, configurations and software of all gateways, also of those that were removed, to at least `counter`. */
  async raiseCounters(counter: number): Promise<void> {
    for (const column of ['counter', 'configuration', 'software_counter'])
      await this.#database.run(`UPDATE gateways SET ${column} = ? WHERE ${column} < ?`, counter, counter);
  }

  /** Next release counter of a gateway, starting at 1, strictly increasing. @returns null for an unknown gateway. */
  async nextCounter(name: string): Promise<number | null> {
    const [row] = await this.#database.all<{ counter: number }>(
      'UPDATE gateways SET counter = counter + 1 WHERE name = ? AND removed_ms IS NULL RETURNING counter',
      name,
    );
    return row?.counter ?? null;
  }

  /** Moves the newest settled position forward; an older one changes nothing. @returns whether it moved. */
  async advance(name: string, { session, sequence }: Position): Promise<boolean> {
    const changed = await this.#database.run(
      `UPDATE gateways SET last_session = ?, last_sequence = ?
       WHERE name = ? AND (last_session < ? OR (last_session = ? AND last_sequence < ?))`,
      session,
      sequence,
      name,
      session,
      session,
      sequence,
    );
    return changed === 1;
  }

  /**
   * Records a session that a gateway has started.
   *
   * @param time when it started, according to the gateway: it tells two births of one session apart
   * @returns the lowest session it may use: this one, or one above all that were ever started under its name.
   */
  async begin(name: string, session: number, time: string): Promise<number> {
    return this.#database.transaction(async (inside) => {
      const [born] = await inside.all<{ born_session: number; born_time: string | null }>(
        'SELECT born_session, born_time FROM gateways WHERE name = ?',
        name,
      );
      if (born === undefined) return session;
      const isTaken = session === born.born_session && (born.born_time ?? time) !== time;
      if (session < born.born_session || isTaken) return born.born_session + 1;
      await inside.run(
        'UPDATE gateways SET born_session = ?, born_time = ? WHERE name = ?',
        session,
        time,
        name,
      );
      return session;
    });
  }

  /** @returns false if it is already quarantined (the first reason stays) or unknown. */
  async quarantine(name: string, reason: string, timeMs: number): Promise<boolean> {
    const changed = await this.#database.run(
      'UPDATE gateways SET quarantined_ms = ?, quarantine_reason = ? WHERE name = ? AND quarantined_ms IS NULL',
      timeMs,
      reason,
      name,
    );
    return changed === 1;
  }

  /** Replaces the groups of a gateway. @returns false where there is none. */
  async setGroups(name: string, groups: readonly string[]): Promise<boolean> {
    const changed = await this.#database.run(
      'UPDATE gateways SET group_names = ? WHERE name = ? AND removed_ms IS NULL',
      [...new Set(groups)].sort().join(' '),
      name,
    );
    return changed === 1;
  }

  /** @returns false where it was not quarantined. */
  async release(name: string): Promise<boolean> {
    const changed = await this.#database.run(
      'UPDATE gateways SET quarantined_ms = NULL, quarantine_reason = NULL WHERE name = ? AND quarantined_ms IS NOT NULL',
      name,
    );
    return changed === 1;
  }
}
