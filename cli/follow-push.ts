import type { Pushed } from '#backend/configuration/push-configuration.ts';
import type { Site } from '#backend/site.ts';
import { BlindsightError, type ErrorCode } from '#protocol/errors.ts';
import { EXIT } from '#runtime/exit.ts';
import { integer } from './parse-option.ts';
import { note, printable, printJson } from './print.ts';
import type { CommandRun } from './run-command.ts';

/** For commander. */
export const WAIT_OPTION = [
  '--wait <seconds>',
  'how long to wait for the answer of the gateway',
  integer(0, 86_400),
  90,
] as const;

/** What is wrong with settings themselves: the site rejects them before their gateway has to. */
const MISTAKES: readonly string[] = [
  'CONFIG_INVALID',
  'CAMERA_TAKEN',
  'CAMERA_ADDRESS',
  'CONFIGURATION_CREDENTIAL',
  'SEALING_KEY_MISSING',
] satisfies ErrorCode[];

const OUTCOMES = {
  applied: { exit: EXIT.done, words: 'runs version' },
  rejected: { exit: EXIT.rejected, words: 'changed nothing: it rejected version' },
  reverted: { exit: EXIT.reverted, words: 'runs what it ran before: it reverted version' },
} as const;

/** Pushes; settings that the site itself rejects end with the exit code of those that a gateway rejects. */
export async function tryPush<T extends Pushed | null>(push: () => Promise<T>): Promise<T> {
  try {
    return await push();
  } catch (error) {
    if (error instanceof BlindsightError && MISTAKES.includes(error.code)) process.exitCode = EXIT.rejected;
    throw error;
  }
}

/** Waits for what becomes of a push, says it, and sets the exit code. */
export async function followPush(
  site: Site,
  { record: { gateway, version }, warnings }: Pushed,
  { progress, signal }: CommandRun,
  { waitSeconds, json }: { readonly waitSeconds: number; readonly json: boolean },
): Promise<void> {
  const { awaitConfiguration } = await import('#backend/configuration/await-configuration.ts');
  const { summarize } = await import('#backend/configuration/describe-configurations.ts');
  const { systemClock } = await import('#runtime/clock.ts');
  for (const warning of warnings) note(warning);
  const record = await awaitConfiguration(
    site.store,
    { gateway, version },
    {
      timeoutMs: waitSeconds * 1000,
      clock: systemClock,
      signal,
      onStatus: ({ status }) =>
        progress.update(
          status,
          status === 'pending'
            ? `version ${version} is pushed; waiting for ${gateway}`
            : `${gateway} has version ${version} and tries it`,
        ),
    },
  );
  progress.end();
  const { status, error } = record;
  if (status === 'pending' || status === 'received' || status === 'superseded') {
    process.exitCode = EXIT.unanswered;
    if (json) return printJson({ ...summarize(record), warnings });
    process.stderr.write(
      status === 'superseded'
        ? `A newer version came before ${gateway} answered about version ${version}.\n`
        : `${gateway} did not answer within ${waitSeconds} s. Version ${version} stays pushed: \`gateway config history ${gateway}\` tells what becomes of it.\n`,
    );
    return;
  }
  const { exit, words } = OUTCOMES[status];
  process.exitCode = exit;
  if (json) return printJson({ ...summarize(record), warnings });
  if (error === null) process.stdout.write(`${gateway} ${words} ${version}.\n`);
  else
    process.stderr.write(
      `${gateway} ${words} ${version}.\n${error.message.split('\n').map(printable).join('\n')}\n  code: ${printable(error.code)}\n`,
    );
}
