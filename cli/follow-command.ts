import type { Site } from '#backend/site.ts';
import type { CommandRecord } from '#backend/store/commands.ts';
import type { CommandArguments, CommandType } from '#protocol/command.ts';
import { EXIT } from '#runtime/exit.ts';
import { operatorName } from './operator-name.ts';
import { integer } from './parse-option.ts';
import { printable, printJson } from './print.ts';
import type { CommandRun } from './run-command.ts';

/** For commander. */
export const COMMAND_WAIT_OPTION = [
  '--wait <seconds>',
  'how long the gateway may take; after that it does not begin any more',
  integer(10, 3600),
  60,
] as const;

/** For the help of each command. */
export const COMMAND_EXIT_CODES = `
The command is signed, and carried out once. A gateway that is offline gets it when it connects within --wait seconds, and never after.

Exit codes:
  0  done
  1  it was not sent, for example because there is no such gateway
  3  the gateway could not do it; it says why
  5  no answer within --wait`;

export type Ordered = {
  readonly gateway: string;
  readonly type: CommandType;
  readonly arguments?: CommandArguments;
  readonly waitSeconds: number;
};

/**
 * Gives a gateway a command and waits for its answer. Where it failed or did not come, says so and sets the exit code.
 *
 * @returns the answered command, or null where there is nothing more to say
 */
export async function orderGateway(
  site: Site,
  { gateway, type, arguments: given = {}, waitSeconds }: Ordered,
  { progress, signal }: CommandRun,
): Promise<CommandRecord | null> {
  const { sendCommand } = await import('#backend/command/send-command.ts');
  const { awaitCommand } = await import('#backend/command/await-command.ts');
  const { systemClock } = await import('#runtime/clock.ts');
  const sent = await sendCommand({
    ...{ site, gateway, type, arguments: given, author: operatorName() },
    lifetimeMs: waitSeconds * 1000,
  });
  progress.update('waiting', `waiting for ${gateway}`);
  const timeoutMs = waitSeconds * 1000;
  const record = await awaitCommand(site.store, sent, { timeoutMs, clock: systemClock, signal });
  progress.end();
  if (record.status === 'done') return record;
  if (record.status === 'failed') {
    process.exitCode = EXIT.rejected;
    process.stderr.write(
      `${gateway} did not do it: ${printable(record.message ?? '')}\n  code: ${printable(record.code ?? '')}\n`,
    );
    return null;
  }
  process.exitCode = EXIT.unanswered;
  process.stderr.write(
    `${gateway} did not answer within ${waitSeconds} s. The command has expired: what was not begun by now never will be.\n`,
  );
  return null;
}

/** Prints what a gateway answered: its sentence, or the whole command as JSON. */
export async function printAnswer(record: CommandRecord, json: boolean): Promise<void> {
  const { viewCommand } = await import('#backend/command/describe-commands.ts');
  if (json) printJson(viewCommand(record));
  else process.stdout.write(`${record.gateway}: ${printable(record.message ?? '')}\n`);
}
