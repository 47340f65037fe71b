import { randomBytes } from 'node:crypto';
import {
  type CommandArguments,
  checkArguments,
  commandTypes,
  isCommandType,
  signCommand,
} from '#protocol/command.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import { findGateway } from '../operations/gateways.ts';
import { openOwnerKey } from '../owner-keys/owner-key.ts';
import type { Site } from '../site.ts';
import type { CommandRecord } from '../store/commands.ts';

export type SendOptions = {
  readonly site: Pick<Site, 'name' | 'store' | 'vault'>;
  readonly gateway: string;
  /** One of `commandTypes()`. */
  readonly type: string;
  readonly arguments?: CommandArguments;
  /** Who gives it, for the history. */
  readonly author: string;
  /** How long the gateway may take to begin it; at most an hour. */
  readonly lifetimeMs?: number;
  readonly clock?: Clock;
};

/** How long a gateway may take to begin a command, where nothing else was asked for. */
export const LIFETIME_MS = 120_000;

/** Characters of an author that are kept. */
const MAX_AUTHOR = 100;
/** Commands that may wait for one gateway. */
const MAX_PENDING = 16;

/**
 * Gives a gateway a command, signed by the owner. The running daemon sends it within a second, until the gateway answers or it expires; without a
 * daemon it waits in the store, and expires there.
 *
 * @throws BlindsightError GATEWAY_NOT_FOUND, COMMAND_INVALID, COMMAND_BUSY; nothing is sent then
 */
export async function sendCommand(options: SendOptions): Promise<CommandRecord> {
  const { site, type, author, lifetimeMs = LIFETIME_MS, clock = systemClock } = options;
  const { name: gateway } = await findGateway(site, options.gateway);
  if (!isCommandType(type))
    throw new BlindsightError(
      'COMMAND_INVALID',
      `there is no command ${type}; there are ${commandTypes().join(', ')}`,
    );
  const given = { ...checkArguments(type, options.arguments ?? {}) } as CommandArguments;
  const key = await openOwnerKey(site.store, site.vault);
  const id = randomBytes(16).toString('hex');
  return site.store.transaction(async (store) => {
    const createdMs = clock.now();
    if ((await store.commands.countPending(gateway)) >= MAX_PENDING)
      throw new BlindsightError('COMMAND_BUSY', `${MAX_PENDING} commands wait for ${gateway}`);
    const expiresMs = createdMs + lifetimeMs;
    const wire = signCommand(
      { schema: 1, site: site.name, gateway, id, type, arguments: given, createdMs, expiresMs },
      key,
    );
    const by = author.trim().slice(0, MAX_AUTHOR);
    await store.commands.add({
      ...{ id, gateway, type, author: by, wire, createdMs, expiresMs },
      arguments: JSON.stringify(given),
    });
    await store.journal.add({
      timeMs: createdMs,
      level: 'info',
      code: 'COMMAND_SENT',
      subject: gateway,
      message: `${type} was ordered of ${gateway} by ${by}`,
    });
    return (await store.commands.get(gateway, id))!;
  });
}
