#!/usr/bin/env node
import { dirname } from 'node:path';
import type { Command } from 'commander';
import { withSiteCommands } from './command-line.ts';
import { makeProgram, takesOption } from './program.ts';
import { RecordedAct } from './recorded-act.ts';
import { reportError } from './report-error.ts';
import { SITE_FOLDER } from './site-option.ts';

/** The folder of the site that a command concerns; null on a gateway, which has no site. */
function siteFolder(command: Command): string | null {
  const { data, config } = command.opts<{ data?: string; config?: string }>();
  if (config === undefined) return data ?? SITE_FOLDER;
  return command.name() === 'agent' ? null : dirname(config);
}

// Whoever reads no further, as in `… | head -1`, has what they wanted.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

const program = makeProgram();
let folder: string | null = SITE_FOLDER;
const act = new RecordedAct();
program.hook('preAction', async (_, command) => {
  folder = siteFolder(command);
  await act.begin(command);
});

try {
  await program.parseAsync();
  await act.end(null);
} catch (failure) {
  const error = await act.end(failure).then(
    () => failure,
    (unwritten: unknown) => unwritten,
  );
  const takesData = (words: readonly string[]) => takesOption(program, words, '--data');
  const code = reportError(error, (text) =>
    folder === null ? text : withSiteCommands(text, folder, takesData),
  );
  // A command whose exit codes tell more has set its own.
  process.exitCode ??= code;
}
