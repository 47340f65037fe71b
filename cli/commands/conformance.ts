import type { Command } from 'commander';

/** `blindsight conformance DIR`: how the reader of ONNX files fares with the cases of the ONNX project. */
export function registerConformance(program: Command): void {
  program
    .command('conformance')
    .description("run the ONNX project's backend test cases through the clear network")
    .argument('<dir>', 'folder of cases; a case is a folder with model.onnx and test_data_set_*')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
A refused case has a stated reason and is no failure. Exit code 1 where a case failed.

Example:
  blindsight conformance onnx/backend/test/data/node`,
    )
    .action(async (folder: string, options: { json?: boolean }) => {
      const { conformance } = await import('../operations/conformance.ts');
      await conformance(folder, options);
    });
}
