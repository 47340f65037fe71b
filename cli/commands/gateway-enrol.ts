import type { Command } from 'commander';
import { BlindsightError } from '#protocol/errors.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

type Options = {
  readonly out: string;
  readonly request?: string;
  readonly broker?: string;
  readonly data: string;
};

/** `blindsight gateway enrol NAME --request FILE --out FILE`, or `--out DIR`, which makes the keys here. */
export function registerGatewayEnrol(gateway: Command): void {
  gateway
    .command('enrol')
    .description(
      'answer the request of a gateway, or make its installation package here: certificate, keys, settings',
    )
    .argument('<gateway>', 'name: lower-case letters, digits and hyphens')
    .requiredOption(
      '--out <path>',
      'file for the answer, or folder for the package, which holds private keys',
    )
    .option('--request <file>', 'what `blindsight agent enrol --request` wrote on the gateway')
    .option(
      '--broker <url>',
      'broker address as seen by the gateway, mqtts://host:port (default: the first name of `site broker-host`)',
    )
    .option(...SITE_OPTION)
    .addHelpText(
      'after',
      `
With an invitation (\`blindsight gateway invite\`) or --request the gateway makes its keys itself, and no private key travels. Without --request they are made
here and carried to it in the package.

Examples:
  blindsight gateway enrol gate-1 --request gate-1.request --out gate-1.response
  blindsight gateway enrol gate-1 --out ./gate-1 --broker mqtts://broker.example.org:8883`,
    )
    .action((name: string, { out, request, broker: given, data }: Options) =>
      runCommand(async () => {
        if (request !== undefined) return answerRequest(name, request, out, given, data);
        const { isLoopback, parseBrokerUrl } = await import('#backend/enrolment/broker-certificate.ts');
        const { brokerForGateways } = await import('#backend/enrolment/broker-for-gateways.ts');
        const { enrolGateway } = await import('#backend/operations/enrol-gateway.ts');
        const { withSite } = await import('#backend/site-folder.ts');
        const broker = await withSite(data, async (site, config) => {
          const brokerUrl = given ?? (await brokerForGateways(site, config.broker.url));
          await enrolGateway({ site, name, outDirectory: out, brokerUrl });
          return brokerUrl;
        });
        const here = isLoopback(parseBrokerUrl(broker).host)
          ? ', which must be this machine: use --broker for another address'
          : '';
        process.stdout.write(
          `${name} is enrolled, and will connect to ${broker}${here}.\n` +
            `Copy ${out} to the gateway, set its cameras in agent.yaml, and run there:\n` +
            '  blindsight agent --config agent.yaml\n' +
            'The folder holds private keys: delete it here afterwards.\n',
        );
      }),
    );
}

async function answerRequest(
  name: string,
  request: string,
  out: string,
  given: string | undefined,
  data: string,
): Promise<void> {
  const { existsSync } = await import('node:fs');
  const { brokerForGateways } = await import('#backend/enrolment/broker-for-gateways.ts');
  const { acceptCarried } = await import('#backend/operations/accept-enrolment.ts');
  const { withSite } = await import('#backend/site-folder.ts');
  const { enrolmentDigest } = await import('#protocol/enrolment.ts');
  const { readPublicFile, writeFileAtomic } = await import('#runtime/files.ts');
  const wire = new Uint8Array(await readPublicFile(request));
  if (existsSync(out)) throw new BlindsightError('OUTPUT_EXISTS', `${out} exists`);
  await withSite(data, async (site, config) => {
    const brokerUrl = given ?? (await brokerForGateways(site, config.broker.url));
    const answer = await acceptCarried({ site, name, wire, brokerUrl });
    await writeFileAtomic(out, JSON.stringify(answer));
  });
  process.stdout.write(
    `${name} is enrolled. Its request has the digest\n  ${enrolmentDigest(wire)}\n` +
      'If the gateway showed another one, somebody has exchanged the file: run `blindsight gateway remove ' +
      `${name}\`.\nCarry ${out} to the gateway, and run there:\n  blindsight agent enrol --response FILE --out DIR\n`,
  );
}
