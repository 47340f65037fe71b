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

/** Where a network goes, as a command was told. */
export type PlaceOptions = { readonly beside?: true; readonly default?: true };

/** Adds `--beside` and `--default`, of which one is given at most. */
export function addPlaceOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--beside', 'beside the default network of each gateway, for the cameras that name it'),
    )
    .addOption(
      new Option(
        '--default',
        'as the default network (default, unless the gateway has it beside that already)',
      ).conflicts('beside'),
    );
}

/** As `deployToGateways` and `startRollout` take it. */
export function placeChoice(options: PlaceOptions): { readonly place?: 'default' | 'beside' } {
  if (options.beside) return { place: 'beside' };
  return options.default ? { place: 'default' } : {};
}

/** As `deployToGateways` and `startRollout` take it. */
export function keyChoice({ perGateway, shared }: KeyOptions): { readonly keys?: 'per-gateway' | 'common' } {
  if (perGateway) return { keys: 'per-gateway' };
  return shared ? { keys: 'common' } : {};
}
