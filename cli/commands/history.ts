import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Command, Option } from 'commander';
import type { ExportRequest } from '#backend/history/export-history.ts';
import { moment } from '../parse-option.ts';
import { refuseExisting } from '../refuse-existing.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

type Options = Pick<ExportRequest, 'by' | 'format'> & {
  readonly data: string;
  readonly from?: number;
  readonly to?: number;
  readonly out?: string;
};

const DAY_MS = 86_400_000;

/** `blindsight history export`: what cameras answered. */
export function registerHistory(program: Command): void {
  program
    .command('history')
    .description('what cameras answered: export')
    .command('export')
    .description('write what a camera answered as CSV or JSON')
    .argument('<camera>')
    .option(
      '--from <time>',
      'pictures from this day or moment on, UTC unless it says otherwise (default: a day before --to)',
      moment,
    )
    .option('--to <time>', 'pictures before this day or moment (default: now)', moment)
    .addOption(
      new Option('--by <what>', 'each answer, or answers added up')
        .choices(['answer', 'minute', 'hour', 'day'])
        .default('answer'),
    )
    .addOption(new Option('--format <format>', 'how it is written').choices(['csv', 'json']).default('csv'))
    .option('--out <file>', 'write to this file, which must not exist (default: stdout)')
    .option(...SITE_OPTION)
    .addHelpText(
      'after',
      '\nExample:\n  blindsight history export door --from 2026-03-01 --to 2026-04-01 --by hour --out door.csv\n',
    )
    .action((camera: string, { data, from, to, out, ...how }: Options) =>
      runCommand(async ({ signal }) => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { exportHistory } = await import('#backend/history/export-history.ts');
        if (out !== undefined) await refuseExisting(out);
        const beforeMs = to ?? Date.now();
        const request = { camera, ...how, fromMs: from ?? beforeMs - DAY_MS, beforeMs, signal };
        await withSite(data, ({ store }) => write(Readable.from(exportHistory(store, request)), out, signal));
      }, 'stopped; what was written is incomplete'),
    );
}

async function write(text: Readable, out: string | undefined, signal: AbortSignal): Promise<void> {
  if (out !== undefined) {
    try {
      await pipeline(text, createWriteStream(out, { flags: 'wx', mode: 0o600 }), { signal });
    } catch (error) {
      // Half a table looks like a whole one.
      await rm(out, { force: true });
      throw error;
    }
    return;
  }
  await pipeline(text, process.stdout, { signal, end: false }).catch((error: NodeJS.ErrnoException) => {
    // Whoever reads has enough, as `head`.
    if (error.code !== 'EPIPE') throw error;
  });
}
