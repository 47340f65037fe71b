import type { Command } from 'commander';
import type { Trace, TracedCopy } from '#backend/operations/trace-model.ts';
import { EXIT } from '#runtime/exit.ts';
import { printJson, printTable } from '../print.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

/** `blindsight model trace FILE`. */
export function registerModelTrace(model: Command): void {
  model
    .command('trace')
    .description('name the gateway that a leaked network came from, by the fingerprint in its weights')
    .argument('<file>', 'the leaked network, an ONNX file')
    .option('--model <name>', 'look for copies of this network only')
    .option(...SITE_OPTION)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `\nExit codes: ${EXIT.done} somebody is named, ${EXIT.unnamed} nobody is.\n\nExample:\n  $ blindsight model trace found.onnx --data site`,
    )
    .action((file: string, { model, data, json }: { model?: string; data: string; json?: boolean }) =>
      runCommand(async ({ progress }) => {
        const { readLeaked, traceModel } = await import('#backend/operations/trace-model.ts');
        const { withSite } = await import('#backend/site-folder.ts');
        const onnx = await readLeaked(file);
        const trace = await withSite(data, (site) =>
          traceModel(site, onnx, {
            ...(model !== undefined && { model }),
            onProgress: (step, fraction) => progress.update('tracing', step, fraction),
          }),
        );
        progress.end();
        if (trace.verdict !== 'named') process.exitCode = EXIT.unnamed;
        if (json) return printJson(trace);
        printTrace(trace);
      }),
    );
}

function printTrace(trace: Trace): void {
  if (trace.verdict === 'named') {
    printTable(
      ['GATEWAY', 'NETWORK', 'KEYS', 'STILL THERE', 'BY CHANCE'],
      trace.copies.map((copy) => [
        holders(copy),
        `${copy.model} version ${copy.version}`,
        String(copy.keySet),
        `${Math.round(100 * Math.min(1, copy.share))} %`,
        `less than one in 10^${Math.floor(-copy.falseAlarmExponent)}`,
      ]),
    );
  }
  process.stdout.write(`${trace.verdict === 'named' ? '\n' : ''}${sentence(trace)}\n`);
}

function holders({ gateways }: TracedCopy): string {
  if (gateways.length === 0) return 'never deployed';
  return gateways.length === 1 ? gateways[0]! : `shared by ${gateways.join(', ')}`;
}

/** What follows from a trace, and what does not. */
function sentence({ verdict, copies, closest, fingerprints }: Trace): string {
  switch (verdict) {
    case 'named':
      return copies.length === 1
        ? 'These are the parameters that this gateway holds encrypted. It says whose copy leaked, not who took it.'
        : 'Parameters of several copies were mixed. It says whose copies leaked, not who took them.';
    case 'original':
      return `This is the original of ${closest?.model} itself, as its owner protected it: no gateway ever held it without a fingerprint. It leaked where the owner keeps it.`;
    case 'none':
      return (
        `Carries no fingerprint of this site (${fingerprints} looked for). It was made independently, from the original, from a copy protected before there were ` +
        `fingerprints, or changed so much that none is left: its weights differ from ${closest?.model}'s by ${Math.round(100 * (closest?.difference ?? 0))} % of their spread.`
      );
    case 'other-architecture':
      return 'No network of this site has this architecture. Nothing follows for networks that learned from the answers of one.';
  }
}
