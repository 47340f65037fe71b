import type { KeyObject } from 'node:crypto';
import { type Command, decodeCommand, verifyCommand } from '#protocol/command.ts';
import { BlindsightError } from '#protocol/errors.ts';

export type CommandReader = {
  readonly site: string;
  readonly gateway: string;
  /** Keys that the owner signs with now; each is as good as the others. */
  readonly ownerKeys: () => readonly KeyObject[];
  /** As the topic says. */
  readonly type: string;
  readonly id: string;
  readonly nowMs: number;
};

/**
 * Decodes what came as a command. Nothing in it may be believed before this returns.
 *
 * @throws BlindsightError COMMAND_INVALID for bytes that are none, COMMAND_FOREIGN for one of another owner, site, gateway or topic,
 *   COMMAND_EXPIRED
 */
export function authenticateCommand(wire: Uint8Array, reader: CommandReader): Command {
  const { site, gateway, type, id, nowMs } = reader;
  const decoded = decodeCommand(wire);
  const { command } = decoded;
  if (!reader.ownerKeys().some((key) => verifyCommand(decoded, key)))
    throw new BlindsightError('COMMAND_FOREIGN', 'a command was not signed by the owner of this site');
  if (command.site !== site || command.gateway !== gateway)
    throw new BlindsightError(
      'COMMAND_FOREIGN',
      `a command is for gateway ${command.gateway} of ${command.site}, this is ${gateway} of ${site}`,
    );
  if (command.type !== type || command.id !== id)
    throw new BlindsightError('COMMAND_FOREIGN', 'a command came on the topic of another');
  if (command.expiresMs <= nowMs)
    throw new BlindsightError(
      'COMMAND_EXPIRED',
      `it expired at ${iso(command.expiresMs)}, and the clock of the gateway says ${iso(nowMs)}`,
    );
  return command;
}

const iso = (ms: number): string => new Date(ms).toISOString();
