import { stringify } from 'yaml';

/**
 * The agent.yaml of a gateway that was just enrolled: everything but its cameras.
 *
 * @param madeBy the command that wrote it, in backticks
 */
export function agentSettings(
  {
    site,
    gateway,
    brokerUrl,
    tpm,
    rootKey,
  }: {
    readonly site: string;
    readonly gateway: string;
    readonly brokerUrl: string;
    readonly tpm?: string | undefined;
    /** That of a site that has one, PEM. */
    readonly rootKey?: string | undefined;
  },
  madeBy: string,
): string {
  const comment =
    `# Made by ${madeBy}. Every setting is explained in config/agent.example.yaml.\n` +
    '# Only the list of cameras is missing, for example:\n' +
    '#   cameras:\n#     - name: door\n#       url: rtsp://10.0.0.21:554/stream1\n#       credentials: door.credentials\n';
  return `${comment}${stringify({
    site,
    gateway,
    data: 'data',
    broker: {
      url: brokerUrl,
      ca: 'ca.pem',
      certificate: 'gateway.pem',
      key: 'gateway.key',
      ...(tpm !== undefined && { tpm }),
    },
    identity: {
      signingKey: 'signing.key',
      ownerKey: 'owner-key.pub.pem',
      ...(rootKey !== undefined && { rootKey: 'root-key.pub.pem' }),
      sealingKey: 'sealing.key',
    },
    cameras: [],
  })}`;
}
