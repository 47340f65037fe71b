import { type Command, Option } from 'commander';

/** What a command was told about keys. */
export type KeyOptions = { readonly perGateway?: true; readonly shared?: true };

/** Adds `--per-gateway` and `--shared`, of which one is given at most. */
export function addKeyOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--per-gateway',
        'keys of its own for each gateway: what leaks on one box opens nothing of the others (default below 100 MB)',
      ),
    )
    .addOption(
      new Option('--shared', 'one key pair for all gateways: no time and disk for further ones').conflicts(
        'perGateway',
      ),
    );
}

/** As `deployToGateways` and `startRollout` take it. */
export function keyChoice({ perGateway, shared }: KeyOptions): { readonly keys?: 'per-gateway' | 'common' } {
  if (perGateway) return { keys: 'per-gateway' };
  return shared ? { keys: 'common' } : {};
}
