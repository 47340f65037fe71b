/**
 * A decryptor for a test to stop while its settlement, all of whose locks it has by then, is open: says `inside`, goes on when something comes on stdin, and
 * says how the settlement ended, and whether the next one was written.
 */
import { once } from 'node:events';
import { systemClock } from '#runtime/clock.ts';
import { createLogger } from '#runtime/log.ts';
import { GatewayShards } from '../roles/gateway-shards.ts';
import { LateCounters } from '../store/late-counters.ts';
import { openPostgresql } from '../store/postgresql.ts';
import { Store } from '../store/store.ts';

const [, , url = '', gateway = ''] = process.argv;
const store = new Store(await openPostgresql(url));
const log = createLogger({ name: 'stopping', level: 'error', format: 'json' });
const shards = new GatewayShards({ store, holder: 'one', clock: systemClock, log });
const say = (line: string) => process.stdout.write(`${line}\n`);

const { write } = LateCounters.prototype;
LateCounters.prototype.write = async function (this: LateCounters) {
  LateCounters.prototype.write = write;
  const goesOn = once(process.stdin, 'data');
  say('inside');
  await goesOn;
  await write.call(this);
};

await shards.balance();
const end = await store
  .settling(async (inside) => {
    await shards.confirm(inside, [gateway]);
    await inside.counters.add('accepted', 100);
  })
  .then(() => 'written')
  .catch((error: { code?: string }) => error.code);
say(`first: ${end}`);
await store.settling((inside) => inside.counters.add('accepted', 10));
say('second: written');
await store.close();
process.exit();
