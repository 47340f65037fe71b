import type { Command } from 'commander';
import { printJson } from '../print.ts';
import { runCommand } from '../run-command.ts';

type Options = { readonly json?: boolean; readonly quick?: boolean; readonly record?: string };

/** `blindsight bench clear`: what encryption costs a network, against the same network without it. */
export function registerBenchClear(bench: Command): void {
  bench
    .command('clear')
    .description('networks encrypted and in the clear with onnxruntime: time, processor time, memory, limits')
    .argument('[networks...]', 'names of bundled networks, or ONNX files; all bundled ones by default')
    .option('--json', 'print JSON')
    .option('--record <file>', 'also keep the figures of each network, with commit and date, in a JSON file')
    .option('--quick', 'one short round; results are noisy')
    .addHelpText(
      'after',
      `
Takes about a minute for each network; run nothing else in the meantime. bench/README.md says how to have the native onnxruntime;
without it the one in WebAssembly is measured.

Examples:
  blindsight bench clear
  blindsight bench clear counter my-network.onnx --json`,
    )
    .action((networks: string[], { json = false, quick = false, record }: Options) =>
      runCommand(async ({ progress, signal }) => {
        const { benchClear } = await import('#bench/clear/bench-clear.ts');
        const { recordClear } = await import('#bench/clear/clear-record.ts');
        const { printClear } = await import('#bench/clear/print-clear.ts');
        const { lookAround } = await import('#bench/record.ts');
        const circumstances = await lookAround();
        const results = await benchClear({
          ...{ networks, quick, signal },
          onProgress: (text, share) => progress.update('bench', text, share),
          onResult: async (result) => {
            if (record !== undefined) await recordClear(record, result, circumstances);
          },
        });
        progress.end();
        if (json) printJson(results);
        else process.stdout.write(`${printClear(results)}\n`);
      }),
    );
}
