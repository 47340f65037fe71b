/**
 * A process for the drill of backups: holds a site open as its daemon does, and writes answers without end, with what belongs to them. Says on stdout
 * `written <sequence>` after each that is durable.
 */
import { loadConfig } from '#config/load.ts';
import { BackendConfig } from '#config/schema.ts';
import { settle } from '../decryption/settle.ts';
import { openSite } from '../site.ts';
import { bareEnvelope } from './bare-envelope.ts';

const site = await openSite(await loadConfig(process.argv[2]!, BackendConfig));
const { store } = site;
for (let sequence = 1; ; sequence++) {
  const digest = String(sequence).padStart(64, '0');
  const item = { digest, gateway: 'gate', camera: 'door', receivedMs: 1, envelope: new Uint8Array(20_000) };
  await store.inbox.add(item, { items: 1e6, bytes: 1e12, siteBytes: 1e12 });
  const envelope = bareEnvelope(site.name, sequence);
  const result = { camera: 'door', sequence } as never;
  await settle(
    store,
    (await store.inbox.first())!,
    [{ answer: envelope, verdict: { kind: 'answer', results: [result] } }],
    null,
    1,
  );
  process.stdout.write(`written ${sequence}\n`);
}
