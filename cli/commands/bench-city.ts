import { type Command, Option } from 'commander';
import { integer, number } from '../parse-option.ts';
import { printJson } from '../print.ts';
import { runCommand } from '../run-command.ts';

type Options = {
  readonly gateways: number;
  readonly rate: number;
  readonly seconds: number;
  readonly broker: (typeof CITY_BROKERS)[number];
  readonly store: (typeof CITY_STORES)[number];
  readonly queue: (typeof CITY_QUEUES)[number];
  readonly flood: number;
  readonly decryptors: number;
  readonly json?: boolean;
  readonly record?: string;
};

const CITY_BROKERS = ['aedes', 'mosquitto', 'nats'] as const;
const CITY_STORES = ['sqlite', 'postgresql'] as const;
const CITY_QUEUES = ['inbox', 'jetstream'] as const;

/** `blindsight bench city`: what a site on this machine makes of many gateways. */
export function registerBenchCity(bench: Command): void {
  bench
    .command('city')
    .description('a site of many simulated gateways: what is stored, how soon, and what each answer costs')
    .option('--gateways <n>', 'how many', integer(1, 10_000), 100)
    .option('--rate <hz>', 'answers a second of each', number, 1)
    .option('--seconds <s>', 'how long they send', integer(1, 3600), 30)
    .addOption(new Option('--broker <kind>', 'which broker').choices(CITY_BROKERS).default('aedes'))
    .addOption(new Option('--store <kind>', 'which database').choices(CITY_STORES).default('sqlite'))
    .addOption(
      new Option('--queue <kind>', 'where answers wait: in the database, or in NATS')
        .choices(CITY_QUEUES)
        .default('inbox'),
    )
    .option(
      '--flood <hz>',
      'messages a second of one more gateway, half of them garbage: what the others have then',
      integer(0, 100_000),
      0,
    )
    .option(
      '--decryptors <n>',
      'processes that decrypt beside the one with the rest; 0: one process',
      integer(0, 64),
      0,
    )
    .option('--json', 'print JSON')
    .option('--record <file>', 'also write the report, the date and the load of the machine to a JSON file')
    .addHelpText(
      'after',
      `
Gateways, broker, backend and store share this machine. Run nothing else in the meantime.

Examples:
  blindsight bench city
  blindsight bench city --gateways 500 --json
  blindsight bench city --gateways 500 --record bench/results/city-500.json
  blindsight bench city --gateways 200 --flood 500
  blindsight bench city --broker nats --store postgresql --decryptors 2
  blindsight bench city --broker nats --queue jetstream --store postgresql --decryptors 2`,
    )
    .action(({ json = false, record, ...options }: Options) =>
      runCommand(async ({ progress, signal }) => {
        const { benchCity } = await import('#bench/city/city.ts');
        const { formatCity } = await import('#bench/city/print-city.ts');
        const { lookAround, recordMeasurement, SITE_FOLDERS } = await import('#bench/record.ts');
        const circumstances = await lookAround(SITE_FOLDERS);
        const onProgress = (text: string, share: number) => progress.update('bench', text, share);
        const report = await benchCity({ ...options, signal, onProgress });
        progress.end();
        if (record !== undefined) await recordMeasurement(record, report, circumstances);
        if (json) printJson(report);
        else process.stdout.write(`${formatCity(report)}\n`);
      }),
    );
}
