import {
  brokerHosts,
  brokerUrl,
  isLoopback,
  parseBrokerUrl,
  readBrokerCertificate,
} from '#backend/enrolment/broker-certificate.ts';
import { enrolGateway } from '#backend/operations/enrol-gateway.ts';
import { quarantineGateway, releaseGateway } from '#backend/operations/gateways.ts';
import { removeGateway } from '#backend/operations/remove-gateway.ts';
import type { Site } from '#backend/site.ts';
import { withSite } from '#backend/site-folder.ts';

/** `blindsight gateway enrol NAME --out DIR`. */
export async function enrol(
  name: string,
  options: { out: string; broker?: string; data: string },
): Promise<void> {
  const broker = await withSite(options.data, async (site, config) => {
    const brokerUrl = options.broker ?? (await brokerForGateways(site, config.broker.url));
    await enrolGateway({ site, name, outDirectory: options.out, brokerUrl });
    return brokerUrl;
  });
  const here = isLoopback(parseBrokerUrl(broker).host)
    ? ', which must be this machine: --broker names another address'
    : '';
  process.stdout.write(
    `${name} is enrolled, and will connect to ${broker}${here}.\n` +
      `Copy ${options.out} to the gateway, set its cameras in agent.yaml, and run there:\n` +
      '  blindsight agent --config agent.yaml\n' +
      'The folder holds private keys: delete it here afterwards.\n',
  );
}

/** The address that the backend uses, or under which others reach a broker that the backend has on its own machine. */
async function brokerForGateways(site: Site, backendUrl: string): Promise<string> {
  const { host, port } = parseBrokerUrl(backendUrl);
  if (!isLoopback(host)) return backendUrl;
  const elsewhere = brokerHosts(await readBrokerCertificate(site.dataDirectory)).find(
    (name) => !isLoopback(name),
  );
  return elsewhere === undefined ? backendUrl : brokerUrl(elsewhere, port);
}

/** `blindsight gateway quarantine NAME --reason TEXT`. */
export async function quarantine(name: string, options: { reason: string; data: string }): Promise<void> {
  const put = await withSite(options.data, (site) => quarantineGateway(site, name, options.reason));
  process.stdout.write(
    put
      ? `${name} is in quarantine: its answers are kept, and not decrypted until you release it.\n`
      : `${name} was in quarantine already; the first reason stays.\n`,
  );
}

/** `blindsight gateway release NAME [--discard]`. */
export async function release(name: string, options: { discard?: boolean; data: string }): Promise<void> {
  const { discard = false } = options;
  const { released, answers } = await withSite(options.data, (site) =>
    releaseGateway(site, name, { discard }),
  );
  const kept = answers > 0 ? ` Kept answers: ${answers}, ${discard ? 'discarded' : 'decrypted now'}.` : '';
  process.stdout.write(
    `${name} ${released ? 'is released from quarantine' : 'was not in quarantine'}.${kept}\n`,
  );
}

/** `blindsight gateway remove NAME`. */
export async function remove(name: string, options: { data: string }): Promise<void> {
  await withSite(options.data, (site) => removeGateway(site, name));
  process.stdout.write(
    `${name} is withdrawn: nothing of it is taken any more, and its cameras are free for other gateways.\n` +
      'What to do where it was stolen: docs/operations.md.\n',
  );
}
