import type { Command } from 'commander';
import type { PlanProgress } from '#network/compiler/packing/layout-problem.ts';
import { powerOfTwo } from '../parse-option.ts';
import { note, printJson } from '../print.ts';
import type { Progress } from '../progress.ts';
import { runCommand } from '../run-command.ts';

type Options = {
  readonly regions?: number;
  readonly json?: boolean;
  readonly svg?: string;
  readonly measure?: boolean;
  readonly why?: string;
};

/** A plan that takes less than this shows no progress. */
const QUIET_MS = 2_000;

function planLines(progress: Progress): (report: PlanProgress) => void {
  const start = performance.now();
  return ({ step, done, total }) => {
    if (performance.now() - start < QUIET_MS) return;
    const what = step === 'layouts' ? 'layouts' : 'layouts again, because of shortcuts';
    progress.update(step, `planning ${what}: ${done} of ${total}`, done / total);
  };
}

/** `blindsight explain`: what protecting a network will cost, before anything is encrypted. */
export function registerExplain(program: Command): void {
  program
    .command('explain')
    .description(
      'show what protecting a network will cost: plan, time on this machine, sizes, memory, precision, security',
    )
    .argument('<network>', 'name of a bundled network, or an ONNX file')
    .option(
      '--regions <n>',
      'pictures that one ciphertext answers, a power of two (default: 1)',
      powerOfTwo(64),
    )
    .option(
      '--why <layer>',
      "explain one layer's layout instead: what was considered, what each would cost, why this one (a number from the table, or 'slowest')",
    )
    .option('--json', 'print JSON')
    .option('--svg <file>', 'draw the plan to a file')
    .option('--measure', 'measure this machine again (normally measured only once)')
    .addHelpText(
      'after',
      `
Examples:
  blindsight explain counter
  blindsight explain network.onnx --svg plan.svg
  blindsight explain network.onnx --why slowest`,
    )
    .action((network: string, { regions, json, svg: svgFile, measure, why: layer }: Options) =>
      runCommand(async (run) => {
        const { explain } = await import('#network/compiler/explain/main.ts');
        const { costOf, readMachineRecord, withCost } = await import(
          '#network/compiler/explain/machine-record.ts'
        );
        const { measureMachine } = await import('#fhe/design');
        const { writeFileAtomic } = await import('#runtime/files.ts');
        const { keepMachineRecord } = await import('#backend/evaluation/keep-machine-record.ts');
        const record = await readMachineRecord();
        const { explanation, why, text, svg } = await explain({
          network,
          ...(regions !== undefined && { regions }),
          ...(layer !== undefined && { why: layer }),
          record,
          onProgress: planLines(run.progress),
          machine: async (ring) => {
            const kept = measure ? null : costOf(record, ring);
            if (kept !== null) return kept;
            // Planning blocks the event loop: if requested earlier, the signal would catch Ctrl-C and never see it.
            const { signal } = run;
            run.progress.update('machine', `measuring this machine at N = ${ring.ringDegree}`);
            const measured = await measureMachine(ring, signal);
            await keepMachineRecord(withCost(record, ring, measured), note);
            return measured;
          },
        });
        run.progress.end();
        if (svgFile !== undefined) await writeFileAtomic(svgFile, svg);
        if (json) printJson(why === null ? explanation : { ...explanation, why });
        else process.stdout.write(text);
      }),
    );
}
