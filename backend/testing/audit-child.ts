/** A process that notes acts without end, for tests that run many of them at once and kill them. Says each that is durable. */
import { AuditLog } from '../audit/audit-log.ts';
import { Vault } from '../sealing/vault.ts';
import { openSqlite } from '../store/sqlite.ts';
import { Store } from '../store/store.ts';

const [, , folder = '', actor = '', count = '0'] = process.argv;
const store = new Store(openSqlite(`${folder}/blindsight.db`));
// Of the test: a site has a random one.
const vault = new Vault(new Uint8Array(32).fill(7));
const log = new AuditLog({ name: 'yard', store, vault, dataDirectory: folder });
for (let number = 1; number <= Number(count); number++) {
  const begun = await log.begin({ actor, role: 'owner', door: 'cli', act: 'test', subject: `${number}` });
  process.stdout.write(`${begun.seq}\n`);
  await log.end(begun, 'ok');
}
await store.close();
