import type { CommandView } from '#protocol/api.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { findGateway } from '../operations/gateways.ts';
import type { Site } from '../site.ts';
import type { CommandRecord } from '../store/commands.ts';

/** A command for people and programs, without its wire form. */
export function viewCommand(record: CommandRecord): CommandView {
  const { id, gateway, type, author, createdMs, expiresMs, status, settledMs, code, message, content } =
    record;
  const iso = (ms: number) => new Date(ms).toISOString();
  return {
    ...{ id, gateway, type, author, status, code, message, content },
    arguments: JSON.parse(record.arguments) as CommandView['arguments'],
    given: iso(createdMs),
    expires: iso(expiresMs),
    settled: settledMs === null ? null : iso(settledMs),
  };
}

/** Commands to a gateway, newest first. @throws BlindsightError GATEWAY_NOT_FOUND */
export async function listCommands(site: Pick<Site, 'store'>, name: string): Promise<CommandView[]> {
  const { name: gateway } = await findGateway(site, name);
  return (await site.store.commands.list(gateway)).map(viewCommand);
}

/** @throws BlindsightError GATEWAY_NOT_FOUND, COMMAND_NOT_FOUND */
export async function showCommand(site: Pick<Site, 'store'>, name: string, id: string): Promise<CommandView> {
  const { name: gateway } = await findGateway(site, name);
  const record = await site.store.commands.get(gateway, id);
  if (record === null)
    throw new BlindsightError('COMMAND_NOT_FOUND', `${gateway} was given no command ${id}`);
  return viewCommand(record);
}

/** What an answer brought: lines of a log, an archive. @throws BlindsightError GATEWAY_NOT_FOUND, COMMAND_NOT_FOUND */
export async function readContent(
  site: Pick<Site, 'store'>,
  name: string,
  id: string,
): Promise<{ readonly mediaType: string; readonly bytes: Uint8Array }> {
  const { content } = await showCommand(site, name, id);
  const bytes = await site.store.commands.content(name, id);
  if (content === null || bytes === null)
    throw new BlindsightError('COMMAND_NOT_FOUND', `the command ${id} brought nothing that is still kept`);
  return { mediaType: content.mediaType, bytes };
}
