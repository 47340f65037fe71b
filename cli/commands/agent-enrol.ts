import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { BlindsightError } from '#protocol/errors.ts';
import { DEFAULT_TPM } from '#runtime/tpm/openssl.ts';
import { isInstalled } from '../installed.ts';
import { runCommand } from '../run-command.ts';

type Options = {
  readonly out: string;
  readonly tokenFile?: string;
  readonly request?: string;
  readonly response?: string;
  readonly name?: string;
  readonly tpm?: string | true;
};

/** `blindsight agent enrol TOKEN|--token-file FILE|--request FILE|--response FILE`. */
export function registerAgentEnrol(agent: Command): void {
  agent
    .command('enrol')
    .description('make the keys of this gateway here, and get its certificate from the site')
    .argument('[token]', 'the invitation; better from a file or, with -, from standard input')
    .option('--out <dir>', 'folder for keys, certificate and settings; new or empty', './gateway')
    .option('--token-file <file>', 'a file with the invitation')
    .option('--request <file>', 'without a link to the site: write a request for it to this file')
    .option('--name <gateway>', 'with --request: the name of this gateway')
    .option('--tpm [address]', 'keep the key of the connection in the TPM 2.0 of this machine, /dev/tpmrm0')
    .option('--response <file>', 'without a link: finish with the answer of the site')
    .addHelpText(
      'after',
      `
The private keys are made on this machine and never leave it. An invitation on the command line can be seen by others who are logged in here; it is
worth nothing once this command has used it, and it can be tried again after a failure, until it expires.

With --tpm the key that proves to the broker who this gateway is never leaves the TPM 2.0 of this machine: a copy of its disk cannot connect. It needs
Debian's packages openssl and tpm2-openssl, and the group tss. The other two keys stay in files: a TPM does not know their kinds.

Examples:
  blindsight agent enrol --token-file invitation.txt --out ./gate-1
  blindsight agent enrol - --out ./gate-1 < invitation.txt

Without a link, in three steps, the second one on the site:
  blindsight agent enrol --request gate-1.request --name gate-1 --out ./gate-1
  blindsight gateway enrol gate-1 --request gate-1.request --out gate-1.response
  blindsight agent enrol --response gate-1.response --out ./gate-1`,
    )
    .action((token: string | undefined, options: Options) =>
      runCommand(async () => {
        const given = [token, options.tokenFile, options.request, options.response].filter(
          (one) => one !== undefined,
        );
        if (given.length !== 1 || (options.request === undefined) !== (options.name === undefined)) {
          agent.error('error: give one of: an invitation, --token-file, --request with --name, --response');
        }
        const { out, request, response, name } = options;
        const tpm = options.tpm === true ? DEFAULT_TPM : options.tpm;
        const { enrolByInvitation, takeResponse, writeRequest } = await import('#agent/enrolment/enrol.ts');
        if (request !== undefined && name !== undefined) {
          const digest = await writeRequest(name, out, request, tpm);
          process.stdout.write(
            `${request} asks for a certificate for ${name}. It holds no secret. On the site, run:\n` +
              `  blindsight gateway enrol ${name} --request FILE --out FILE\n` +
              `and compare this digest there, so that nobody can have exchanged the file on its way:\n  ${digest}\n`,
          );
          return;
        }
        const enrolled =
          response === undefined
            ? await enrolByInvitation(await readToken(token, options.tokenFile), out, tpm)
            : await takeResponse(response, out);
        process.stdout.write(
          `This machine is gateway ${enrolled.gateway} of ${enrolled.site}. Set its cameras in ${enrolled.configFile}, or push them from the site, and run:\n` +
            // An installed gateway is a service with settings of its own.
            `  ${isInstalled ? `sudo blindsight agent adopt ${options.out}` : `blindsight agent --config ${enrolled.configFile}`}\n`,
        );
      }),
    );
}

async function readToken(token: string | undefined, file: string | undefined): Promise<string> {
  if (token !== undefined && token !== '-') return token;
  if (token === '-') return text(process.stdin);
  return readFile(file!, 'utf8').catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new BlindsightError('FILE_UNREADABLE', `cannot read ${file}: ${why}`, { cause });
  });
}
