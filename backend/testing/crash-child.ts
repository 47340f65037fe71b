/**
 * A process for the crash test to kill: receives envelopes and settles them without end. Says on stdout what it has been promised: `stored <digest>`
 * after an envelope is durable in the inbox, `settled <sequence>` after its outcome is. With the address of a broker it publishes what it settles, too.
 */
import { setImmediate as immediate } from 'node:timers/promises';
import { systemClock } from '#runtime/clock.ts';
import { connectLink } from '#runtime/link.ts';
import { createLogger } from '#runtime/log.ts';
import { RetryLadder } from '#runtime/retry.ts';
import { settle } from '../decryption/settle.ts';
import { ResultPublisher } from '../results/result-publisher.ts';
import { SiteView } from '../results/site-view.ts';
import { migrate } from '../store/migrations.ts';
import { openSqlite } from '../store/sqlite.ts';
import { Store } from '../store/store.ts';
import { bareEnvelope } from './bare-envelope.ts';

const [, , file = '', broker] = process.argv;
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
    // The store never leaves the event loop, and the link needs it.
    await immediate();
  }
}

async function work(): Promise<void> {
  for (;;) {
    const item = await store.inbox.first();
    if (item === null) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      continue;
    }
    await store.inbox.beginAttempts([item.id]);
    const sequence = Number(item.digest);
    const envelope = bareEnvelope('yard', sequence);
    const frameTime = new Date(sequence).toISOString();
    const result = { camera: 'door', sequence, frameTime } as never;
    const ending = { answer: envelope, verdict: { kind: 'answer', results: [result] } } as const;
    await store.settling(async (inside) => {
      await settle(inside, item, [ending], null, 1);
      await inside.inbox.remove([item.id]);
    });
    say(`settled ${sequence}`);
    publisher?.publish(result);
    await immediate();
  }
}

async function startPublisher(url: string): Promise<ResultPublisher> {
  const { signal } = new AbortController();
  const log = createLogger({ name: 'crash', level: 'error', format: 'json' });
  const ladder = new RetryLadder([20]);
  const link = connectLink({ url, clientId: 'backend', clock: systemClock, log, ladder });
  const view = new SiteView('yard', store, systemClock);
  await view.load();
  const made = new ResultPublisher({
    site: 'yard',
    store,
    link,
    view,
    clock: systemClock,
    log,
    onLeft: () => {},
  });
  link.onUp(() => made.linkUp(signal));
  void made.run(signal);
  return made;
}

const publisher = broker === undefined ? null : await startPublisher(broker);
await store.gateways.add({
  name: 'gate',
  signingKey: '',
  certificateSerial: '',
  certificateEndMs: 0,
  enrolledMs: 0,
});
await store.cameras.claim('door', 'gate', 1);
const next = Number((await store.settings.get('next')) ?? '0');
say('ready');
await Promise.all([receive(next), work()]);
