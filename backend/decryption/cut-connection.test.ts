import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../store/database.ts';
import { migrate } from '../store/migrations.ts';
import { openPostgresql } from '../store/postgresql.ts';
import { Store } from '../store/store.ts';
import { isStoreTrouble } from '../store/store-trouble.ts';
import { bareEnvelope } from '../testing/bare-envelope.ts';
import { type PostgresCluster, startPostgres } from '../testing/postgres-cluster.ts';
import { settle } from './settle.ts';

const SOCKET = '.s.PGSQL.5432';
/** More than a settlement says to the server, one after the other. */
const MOST = 60;

/** The way to a server, which is cut at a chosen word of the client: before the server hears it, or after, so that nobody hears what it answers. */
class Way {
  readonly folder = mkdtempSync(join(tmpdir(), 'blindsight-way-'));
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  #left = Number.POSITIVE_INFINITY;
  #isHeard = false;

  constructor(folder: string) {
    this.#server = createServer((client) => {
      const server = connect(join(folder, SOCKET));
      for (const [one, other] of [
        [client, server],
        [server, client],
      ] as const) {
        this.#sockets.add(one);
        one.on('error', () => {});
        one.on('close', () => {
          this.#sockets.delete(one);
          other.destroy();
        });
      }
      server.on('data', (bytes) => client.write(bytes));
      client.on('data', (bytes) => {
        this.#left -= 1;
        if (this.#left >= 0) server.write(bytes);
        else if (this.#isHeard) {
          server.removeAllListeners('data');
          // What it answers ends here: it has done it by then.
          server.once('data', () => client.destroy());
          server.write(bytes);
        } else client.destroy();
      });
    });
  }

  listen(): Promise<void> {
    return new Promise((resolve) => this.#server.listen(join(this.folder, SOCKET), resolve));
  }

  cutAfter(words: number, isHeard: boolean): void {
    this.#left = words;
    this.#isHeard = isHeard;
  }

  get isCut(): boolean {
    return this.#left < 0;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

describe('a settlement whose connection to PostgreSQL is cut', () => {
  let cluster: PostgresCluster;
  let way: Way;
  let database: Database;
  let store: Store;
  beforeAll(async () => {
    cluster = await startPostgres();
    const { pathname } = new URL((await cluster.createDatabase()).replace('@/', '@localhost/'));
    way = new Way(cluster.host);
    await way.listen();
    database = await openPostgresql(
      `postgresql://blindsight@${pathname}?host=${encodeURIComponent(way.folder)}`,
    );
    await migrate(database);
    store = new Store(database);
    await store.gateways.add({
      ...{ name: 'gate', signingKey: 'PEM', certificateSerial: '01', certificateEndMs: 9, enrolledMs: 5 },
    });
    await store.cameras.claim('door', 'gate', 1);
    await store.results.prepare(1);
  });
  afterAll(async () => {
    await database.close();
    await way.close();
    await cluster.stop();
  });

  async function settleNext(): Promise<void> {
    const item = (await store.inbox.first())!;
    const sequence = Number(item.digest);
    const result = { camera: 'door', sequence, frameTime: new Date(1).toISOString() } as never;
    const ending = {
      answer: bareEnvelope('yard', sequence),
      verdict: { kind: 'answer', results: [result] },
    } as const;
    await store.settling(
      async (inside) => {
        await settle(inside, item, [ending], null, 1);
        await inside.inbox.remove([item.id]);
      },
      { gateways: ['gate'], cameras: ['door'] },
    );
  }

  it('is there as a whole or not at all, wherever it is cut, and once when it is done again', async () => {
    let sequence = 0;
    const outcomes = { done: 0, undone: 0 };
    for (const isHeard of [false, true]) {
      for (let words = 0; words < MOST; words++) {
        sequence++;
        const digest = String(sequence).padStart(64, '0');
        const item = { digest, gateway: 'gate', camera: 'door', receivedMs: 1, envelope: new Uint8Array(20) };
        await store.inbox.add(item, { items: 1e6, bytes: 1e12, siteBytes: 1e12 });
        way.cutAfter(words, isHeard);
        const failure: unknown = await settleNext().then(
          () => null,
          (error: unknown) => error,
        );
        const wasCut = way.isCut;
        way.cutAfter(Number.POSITIVE_INFINITY, false);
        expect(failure === null || isStoreTrouble(failure), String(failure)).toBe(true);
        expect(failure !== null, `after ${words} words`).toBe(wasCut);
        if (!wasCut) break;
        expect(words, 'more words than were tried').toBeLessThan(MOST - 1);
        const waits = (await store.inbox.count()) > 0;
        outcomes[waits ? 'undone' : 'done']++;
        const isStored = (await store.results.digestAt('gate', 1, sequence)) !== null;
        expect(isStored, `after ${words} words, heard: ${isHeard}`).toBe(!waits);
        if (waits) await settleNext();
      }
      const accepted = await store.counters.all();
      expect(accepted).toEqual({ accepted: sequence });
    }
    const count = async (table: string) =>
      (await database.all<{ count: number }>(`SELECT COUNT(*) AS count FROM ${table}`))[0]!.count;
    expect(await Promise.all(['results', 'feed', 'publications', 'inbox'].map(count))).toEqual([
      ...[sequence, sequence, sequence],
      0,
    ]);
    expect((await store.gateways.get('gate'))!.last).toMatchObject({ session: 1, sequence });
    // Only where the answer to COMMIT was lost.
    expect(outcomes.done).toBe(1);
    expect(outcomes.undone).toBeGreaterThan(20);
  });
});
