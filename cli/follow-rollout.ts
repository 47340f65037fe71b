import type { Site } from '#backend/site.ts';
import type { RolloutSummary, RolloutView } from '#protocol/api.ts';
import { EXIT } from '#runtime/exit.ts';
import { duration, integer } from './parse-option.ts';
import { printable, printJson, printTable } from './print.ts';
import type { CommandRun } from './run-command.ts';

const DAY_MS = 86_400_000;

/** How a rollout goes about it, for commander. */
export const PACE_OPTIONS = {
  limit: ['--limit <time>', 'how long each gateway may take, from its release on', duration(31 * DAY_MS)],
  total: [
    '--total <time>',
    'how long all of it may take, pauses included (default: 7d, or twice what the waves may take)',
    duration(366 * DAY_MS),
  ],
  maxFailures: [
    '--max-failures <n>',
    'how many gateways may fail or time out before no further wave begins',
    integer(0, 2 ** 31 - 1),
  ],
  instead: ['--instead', 'abort other rollouts that one of these gateways is in'],
  wait: [
    '--wait [time]',
    'wait until it ends, at most this long if given; otherwise only start it',
    (text: string) => duration(366 * DAY_MS)(text),
  ],
} as const;

/** The help on exit codes, which every command that waits shares. */
export const ROLLOUT_EXITS = `Exit codes:
  0  done; without --wait: begun
  1  not begun: something named is not there, or a gateway is in another rollout
  3  it failed, was aborted, or its time was over
  5  still running when the time of --wait was over; it goes on`;

/** The waves of an option, for commander. */
export function waves(text: string): string[] {
  return text.split(',').map((wave) => wave.trim());
}

export type WaitOptions = { readonly wait?: true | number; readonly json?: boolean };

/** Says that a rollout has begun, or waits until it has ended, and sets the exit code. */
export async function followRollout(
  site: Site,
  id: number,
  { progress, signal }: CommandRun,
  { wait, json = false }: WaitOptions,
): Promise<void> {
  const { viewRollout } = await import('#backend/rollout/rollout-views.ts');
  const view = async () => viewRollout(site.store, (await site.store.rollouts.get(id))!);
  if (wait === undefined) {
    const begun = await view();
    if (json) return printJson(begun);
    process.stdout.write(
      `Rollout ${id} of ${begun.title} has begun: ${begun.each.length} gateway(s) in ${begun.waves} wave(s). A running backend moves it on; \`rollout show ${id}\` tells how it goes.\n`,
    );
    return;
  }
  const { awaitRollout } = await import('#backend/rollout/await-rollout.ts');
  const { systemClock } = await import('#runtime/clock.ts');
  const last = await awaitRollout(site.store, id, {
    timeoutMs: wait === true ? Number.POSITIVE_INFINITY : wait,
    clock: systemClock,
    signal,
    onLook: (now) => progress.update(`wave ${now.wave}`, lineOf(now), shareOf(now)),
  });
  progress.end();
  process.exitCode =
    last.ended === null ? EXIT.unanswered : last.state === 'done' ? EXIT.done : EXIT.rejected;
  if (json) return printJson(await view());
  printRollout(await view());
  if (last.ended === null) process.stderr.write(`Rollout ${id} is still ${last.state}; it goes on.\n`);
}

const endedOf = ({ done, failed, timedOut, skipped, left }: RolloutSummary['gateways']): number =>
  done + failed + timedOut + skipped + left;

function shareOf({ gateways }: RolloutSummary): number {
  const ended = endedOf(gateways);
  return ended / Math.max(1, ended + gateways.waiting + gateways.released);
}

function lineOf({ id, state, wave, waves: count, gateways }: RolloutSummary): string {
  const { done, failed, timedOut, released } = gateways;
  const bad = failed + timedOut;
  const ended = endedOf(gateways);
  return `rollout ${id} ${state === 'paused' ? 'is paused in ' : ''}wave ${wave} of ${count}: ${done} of ${ended + released + gateways.waiting} gateways run it, ${released} at it${bad > 0 ? `, ${bad} failed` : ''}`;
}

/** What became of a rollout, for a person. */
export function printRollout(rollout: RolloutView): void {
  const { id, title, state, error, wave, waves: count, author, created } = rollout;
  const why = error === null ? '' : `: ${printable(error.message)}`;
  process.stdout.write(
    `Rollout ${id} of ${title}, wave ${wave} of ${count}, by ${printable(author)} at ${created}: ${state}${why}\n`,
  );
  printTable(
    ['GATEWAY', 'WAVE', 'STATE', 'VERSION', 'BEFORE', 'WHY'],
    rollout.each.map((one) => [
      one.gateway,
      String(one.wave),
      one.state,
      `${one.target.name} ${one.target.version}`,
      one.earlier === null ? '-' : `${one.earlier.name} ${one.earlier.version}`,
      one.error === null ? '' : printable(`${one.error.message} (${one.error.code})`),
    ]),
  );
}
