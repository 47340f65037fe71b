import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Configurator } from '#agent/configuration/configurator.ts';
import { AgentConfig } from '#config/schema.ts';
import { signConfiguration } from '#protocol/configuration.ts';
import { systemClock } from '#runtime/clock.ts';
import { createLogger } from '#runtime/log.ts';

/** Child of a crash test: takes configurations for ever, and says the version that runs before and after each. */
const folder = process.argv[2]!;
// Of the first process: what it left on the disk must still be signed for the next.
const keyFile = join(folder, 'owner-key.pem');
if (!existsSync(keyFile))
  writeFileSync(keyFile, generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }));
const privateKey = createPrivateKey(readFileSync(keyFile));
const publicKey = createPublicKey(privateKey);
const path = { certificate: 'c', key: 'k', ca: 'a', url: 'mqtts://b:1' };
const file = AgentConfig.parse({
  site: 'town',
  gateway: 'gate-1',
  data: folder,
  broker: path,
  identity: { signingKey: 's', ownerKey: 'o' },
});
const configurator = await Configurator.open({
  reader: { site: 'town', gateway: 'gate-1', ownerKeys: () => [publicKey], sealingKey: null },
  file,
  clock: systemClock,
  log: createLogger({ name: 'agent', level: 'error', format: 'json' }),
});
let version = configurator.report.running;
const say = () =>
  process.stdout.write(`${configurator.report.running} ${configurator.config.healthSeconds}\n`);
say();
configurator.connect({
  apply: async () => {},
  proveLink: async () => true,
  onReport: () => {},
  onEvent: () => {},
});
for (;;) {
  version++;
  configurator.receive(
    signConfiguration(
      {
        schema: 1,
        site: 'town',
        gateway: 'gate-1',
        version,
        createdMs: 0,
        settings: `healthSeconds: ${version}\n`,
        credentials: [],
      },
      privateKey,
    ),
  );
  while (configurator.report.running !== version) await new Promise((resolve) => setTimeout(resolve, 0));
  say();
}
