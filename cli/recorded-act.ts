import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { Act, Begun } from '#backend/audit/audit-log.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { EXIT } from '#runtime/exit.ts';
import { AUDITED_COMMANDS, type AuditedCommand } from './audited-commands.ts';
import { siteCommand } from './command-line.ts';
import { operatorName } from './operator-name.ts';

/** A command that nobody has classified is noted, where it concerns a site at all. */
const UNKNOWN: AuditedCommand = { does: 'acts' };

/** The words of a command, without the name of the program. */
export function wordsOf(command: Command): string {
  const words: string[] = [];
  for (let one: Command | null = command; one?.parent; one = one.parent) words.unshift(one.name());
  return words.join(' ');
}

/** What the audit log says of a command: its arguments and, of its options, those that the table lists. */
export function actOf(command: Command, { notes = [] }: AuditedCommand = UNKNOWN): Act {
  const options = command.options.filter((option) => notes.includes(option.long?.slice(2) ?? ''));
  const values = command.opts<Record<string, unknown>>();
  const noted = options
    .map((option) => [option.long?.slice(2) ?? '', values[option.attributeName()]] as const)
    .filter(([, value]) => value !== undefined);
  return {
    ...{ actor: operatorName(), role: 'owner', door: 'cli', act: wordsOf(command) },
    subject: command.args.join(' '),
    details: { ...Object.fromEntries(noted), uid: process.getuid?.() ?? -1 },
  };
}

/** The act of this call of the command line, in the audit log of the site that it concerns. */
export class RecordedAct {
  #act: Act | null = null;
  #data = '';
  #begun: Begun | null = null;

  /**
   * Notes that a command begins that acts on a site.
   *
   * @throws BlindsightError AUDIT_UNWRITABLE, and where the site cannot be opened, what the command itself would throw
   */
  async begin(command: Command): Promise<void> {
    const known = AUDITED_COMMANDS[wordsOf(command)] ?? UNKNOWN;
    const { data } = command.opts<{ data?: string }>();
    if (known.does === 'reads' || known.does === 'elsewhere' || data === undefined) return;
    this.#act = actOf(command, known);
    this.#data = data;
    if (known.does === 'makes' && !(await hasSite(data))) return;
    this.#begun = await this.#with((audit, act) => audit.begin(act));
  }

  /** Notes how it ended. @param error what it threw; null where it threw nothing */
  async end(error: unknown): Promise<void> {
    const act = this.#act;
    if (act === null) return;
    this.#act = null;
    const outcome = outcomeOf(error);
    const begun = this.#begun;
    if (begun !== null) await this.#with((audit) => audit.end(begun, outcome));
    else if (await hasSite(this.#data)) await this.#with((audit) => audit.note(act, outcome), act);
  }

  async #with<T>(
    write: (
      audit: InstanceType<typeof import('#backend/audit/audit-log.ts').AuditLog>,
      act: Act,
    ) => Promise<T>,
    act = this.#act,
  ): Promise<T> {
    const { withSite } = await import('#backend/site-folder.ts');
    const { AuditLog } = await import('#backend/audit/audit-log.ts');
    return withSite(this.#data, (site) => {
      const onTrouble = (reason: string) =>
        process.stderr.write(
          `The audit log is not what it was: ${reason}. Run \`${siteCommand(this.#data, 'audit verify')}\`.\n`,
        );
      return write(new AuditLog(site, { onTrouble }), act!);
    });
  }
}

async function hasSite(data: string): Promise<boolean> {
  const { siteFiles } = await import('#backend/site-folder.ts');
  return existsSync(siteFiles(data).backendConfig);
}

function outcomeOf(error: unknown): string {
  if (error instanceof BlindsightError) return error.code;
  if (error !== null) return 'failed';
  const code = process.exitCode ?? EXIT.done;
  if (code === EXIT.interrupted) return 'stopped';
  return code === EXIT.done ? 'ok' : `exit ${code}`;
}
