import type { Command } from 'commander';

/** `blindsight bench`: our kernel and Microsoft SEAL (node-seal) side by side on this machine. */
export function registerBench(program: Command): void {
  program
    .command('bench')
    .description(
      'measure encrypted arithmetic here: our kernel and node-seal side by side, then whole pictures',
    )
    .option('--json', 'print JSON')
    .option('--record <file>', 'also write the report, its date and the load of the machine to a JSON file')
    .option('--quick', 'a few rounds only; the numbers scatter')
    .addHelpText(
      'after',
      `
Takes a few minutes; nothing else should run meanwhile.

Examples:
  blindsight bench
  blindsight bench --record bench/results/this-machine.json
  blindsight bench --quick --json > bench.json`,
    )
    .action(async (options: { json?: boolean; quick?: boolean; record?: string }) => {
      const { bench } = await import('../operations/bench.ts');
      await bench(options);
    });
}
