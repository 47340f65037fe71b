/**
 * A process for the crash test to kill: receives envelopes and settles them without end. Says on stdout what it has been promised: `stored <digest>`
 * after an envelope is durable in the inbox, `settled <sequence>` after its outcome is.
 */
import { settle } from '../decryption/settle.ts';
import { migrate } from '../store/migrations.ts';
import { openSqlite } from '../store/sqlite.ts';
import { Store } from '../store/store.ts';

const file = process.argv[2]!;
const database = openSqlite(file);
await migrate(database);
const store = new Store(database);
const say = (line: string) => process.stdout.write(`${line}\n`);

async function receive(from: number): Promise<void> {
  for (let sequence = from; ; sequence++) {
    const digest = String(sequence).padStart(64, '0');
    const item = { digest, gateway: 'gate', camera: 'door', receivedMs: 1, envelope: new Uint8Array(20_000) };
    await store.inbox.add(item, { items: 1e6, bytes: 1e12, siteBytes: 1e12 });
    say(`stored ${sequence}`);
  }
}

async function work(): Promise<void> {
  for (;;) {
    const item = await store.inbox.first();
    if (item === null) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      continue;
    }
    await store.inbox.beginAttempt(item.id);
    const sequence = Number(item.digest);
    const envelope = {
      schema: 1,
      site: 'yard',
      gateway: 'gate',
      camera: 'door',
      session: 1,
      sequence,
      frameTimeMs: 1,
      readyTimeMs: 1,
      bundle: '',
      interpreter: 'reference',
      historical: false,
      timings: { prepareMs: 0, encryptMs: 0, evaluateMs: 0 },
      ciphertext: new Uint8Array(),
    } as const;
    const result = { camera: 'door', sequence } as never;
    await settle(store, item, envelope, null, { kind: 'answer', results: [result] }, 1);
    say(`settled ${sequence}`);
  }
}

await store.gateways.add({ name: 'gate', signingKey: '', certificateSerial: '', enrolledMs: 0 });
const next = Number((await store.settings.get('next')) ?? '0');
say('ready');
await Promise.all([receive(next), work()]);
