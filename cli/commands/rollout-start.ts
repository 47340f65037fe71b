import { Argument, type Command } from 'commander';
import type { RolloutSubject } from '#backend/rollout/start-rollout.ts';
import { followRollout, PACE_OPTIONS, ROLLOUT_EXITS, waves } from '../follow-rollout.ts';
import {
  addKeyOptions,
  addPlaceOptions,
  type KeyOptions,
  keyChoice,
  type PlaceOptions,
  placeChoice,
} from '../key-choice.ts';
import { operatorName } from '../operator-name.ts';
import { integer, names } from '../parse-option.ts';
import { type CommandRun, runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

type Options = KeyOptions &
  PlaceOptions & {
    readonly to: string[];
    readonly version?: number;
    readonly waves?: string[];
    readonly limit?: number;
    readonly total?: number;
    readonly maxFailures?: number;
    readonly instead?: true;
    readonly wait?: true | number;
    readonly json?: boolean;
    readonly data: string;
  };

/** `blindsight rollout start model NAME --to GATEWAYS`. */
export function registerRolloutStart(rollout: Command): void {
  addPlaceOptions(addKeyOptions(rollout.command('start')))
    .description('begin to release a network or software to many gateways; a running backend moves it on')
    .addArgument(new Argument('<kind>', 'what it is').choices(['model', 'software']))
    .argument('<name>', 'name of the network, or version of the software')
    .requiredOption('--to <names>', 'gateways, groups, or all: gate-1,gate-2,doors', names)
    .option('--version <n>', 'version of the network (default: the newest)', integer(1, 2 ** 31 - 1))
    .option(
      '--waves <list>',
      'how many gateways have it after each wave, as numbers or shares; the rest makes one more (default: 1,10%,100%)',
      waves,
    )
    .option(...PACE_OPTIONS.limit)
    .option(...PACE_OPTIONS.total)
    .option(...PACE_OPTIONS.maxFailures)
    .option(...PACE_OPTIONS.instead)
    .option(...PACE_OPTIONS.wait)
    .option(...SITE_OPTION)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Where nothing else is said, each gateway has 30m, and the first one that fails or times out ends the rollout after its wave. Offline gateways have the same
limit; they still take the release up when they are back.

${ROLLOUT_EXITS}

Examples:
  blindsight rollout start model counter --to all --wait
  blindsight rollout start model counter --version 2 --to doors,gate-9 --waves 2,50%,100% --limit 1h --max-failures 3
  blindsight rollout start software 1.2.3 --to doors`,
    )
    .action((kind: 'model' | 'software', name: string, options: Options, command: Command) => {
      if (kind === 'software' && options.version !== undefined)
        command.error('error: --version is for networks; of software the name is the version');
      if (kind === 'software' && (options.beside || options.default))
        command.error('error: --beside and --default are for networks');
      return runCommand(
        (run) => start(subjectOf(kind, name, options.version), options, run),
        'stopped; the rollout goes on',
      );
    });
}

function subjectOf(kind: 'model' | 'software', name: string, version: number | undefined): RolloutSubject {
  if (kind === 'software') return { kind, version: name };
  return { kind, name, ...(version !== undefined && { version }) };
}

async function start(what: RolloutSubject, options: Options, run: CommandRun): Promise<void> {
  const { withSite } = await import('#backend/site-folder.ts');
  const { startRollout } = await import('#backend/rollout/start-rollout.ts');
  const { to, waves: list, limit, total, maxFailures, instead } = options;
  await withSite(options.data, async (site, config) => {
    const { id } = await startRollout({
      ...{ site, what, to, author: operatorName() },
      maxMessageBytes: config.broker.maxMessageKilobytes * 1024,
      ...(list !== undefined && { waves: list }),
      ...(limit !== undefined && { limitMs: limit }),
      ...(total !== undefined && { totalMs: total }),
      ...(maxFailures !== undefined && { maxFailures }),
      ...(instead && { instead }),
      ...keyChoice(options),
      ...placeChoice(options),
    });
    await followRollout(site, id, run, options);
  });
}
