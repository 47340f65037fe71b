import { Buffer } from 'node:buffer';
import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import type { RecentLines } from '#runtime/recent-lines.ts';
import { CommandJournal } from './command-journal.ts';
import { Commands, type CommandsOptions } from './commands.ts';
import type { LogLevels } from './log-levels.ts';
import { readLogs } from './read-logs.ts';

/** What commands ask of the gateway around them. */
export type CommandHost = {
  readonly site: string;
  readonly gateway: string;
  /** The data folder. */
  readonly data: string;
  readonly ownerKeys: () => readonly KeyObject[];
  readonly signingKey: KeyObject;
  readonly levels: LogLevels;
  readonly recent: RecentLines;
  readonly publish: CommandsOptions['publish'];
  readonly started: () => string;
  /** Ends the process in peace, or says why nothing would start it again. @throws Error */
  readonly restart: () => void;
  /** The archive for a supporter. */
  readonly diagnose: () => Promise<Uint8Array>;
  readonly clock: Clock;
  readonly log: Logger;
};

/** Joins each command with what it does. */
export async function openCommands(host: CommandHost): Promise<Commands> {
  const { levels, recent, clock } = host;
  return Commands.open({
    ...host,
    journal: await CommandJournal.open(join(host.data, 'commands'), clock),
    handlers: {
      restart: async () => {
        host.restart();
        return null;
      },
      'log-level': async ({ level, forSeconds }) => {
        levels.setFor(level, forSeconds * 1000);
        const until = new Date(clock.now() + forSeconds * 1000).toISOString();
        return {
          message: `the log has level ${level} until ${until}, or the next start; then ${levels.configured} again`,
        };
      },
      logs: async (given) => {
        const { text, lines, isCut } = readLogs(recent.lines, given, clock.now());
        const words = lines === 1 ? 'line' : 'lines';
        return {
          message: isCut ? `${lines} ${words}; more do not fit into an answer` : `${lines} ${words}`,
          content: { mediaType: 'application/x-ndjson', bytes: new Uint8Array(Buffer.from(text)) },
        };
      },
      diagnostics: async () => {
        const bytes = await host.diagnose();
        return {
          message: `an archive of ${bytes.length} bytes`,
          content: { mediaType: 'application/gzip', bytes },
        };
      },
    },
  });
}
