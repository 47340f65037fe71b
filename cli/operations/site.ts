import { existsSync } from 'node:fs';
import { addBrokerHosts, listBrokerHosts } from '#backend/operations/broker-hosts.ts';
import { initializeSite } from '#backend/operations/initialize-site.ts';
import { siteFiles, withSite } from '#backend/site-folder.ts';
import { BlindsightError } from '#protocol/errors.ts';

/** `blindsight site init`. */
export async function initSite(options: {
  site: string;
  data: string;
  brokerHost?: readonly string[];
  postgresql?: string;
}): Promise<void> {
  const files = siteFiles(options.data);
  const brokerNames = options.brokerHost ?? [];
  if (brokerNames.length > 0 && existsSync(files.backendConfig)) {
    throw new BlindsightError(
      'SITE_EXISTS',
      `${files.folder} holds a site already. Add names of its broker with: ` +
        `blindsight site broker-host ${brokerNames.join(' ')} --data ${files.folder}`,
    );
  }
  const { postgresql } = options;
  await initializeSite(files.folder, options.site, {
    brokerNames,
    ...(postgresql !== undefined && { postgresqlUrlFile: postgresql }),
  });
  const gateways =
    brokerNames.length > 0
      ? `Gateways reach the broker as ${brokerNames.join(' or ')}; it listens on every interface (\`host\` in broker.yaml).\n`
      : `Only gateways on this machine reach the broker. For others:\n  blindsight site broker-host NAME --data ${files.folder}\n`;
  process.stdout.write(
    `${files.folder} holds the site ${options.site}. Run its two daemons:\n` +
      `  blindsight broker --config ${files.brokerConfig}\n` +
      `  blindsight backend --config ${files.backendConfig}\n${gateways}`,
  );
}

/** `blindsight site broker-host [NAME…]`. */
export async function brokerHost(names: readonly string[], options: { data: string }): Promise<void> {
  await withSite(options.data, async (site) => {
    if (names.length === 0) {
      process.stdout.write(`${(await listBrokerHosts(site)).join('\n')}\n`);
      return;
    }
    const { hosts, listens } = await addBrokerHosts(site, names);
    const running =
      listens === null
        ? 'A running broker takes it within seconds'
        : `The broker listens on every interface from its next start on (\`host: ${listens}\` in broker.yaml): ` +
          'restart it, for example with `systemctl restart blindsight-broker`';
    process.stdout.write(
      `The certificate of the broker covers ${hosts.join(', ')}. Gateways need nothing new.\n${running}.\n` +
        'A Mosquitto takes it when certificates/broker.pem is copied to it and it is reloaded.\n',
    );
  });
}
