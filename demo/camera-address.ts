import { join } from 'node:path';
import { writeFileAtomic } from '#runtime/files.ts';

/** Camera as it stands in agent.yaml. */
export type CameraSetting = {
  readonly name: string;
  readonly url: string;
  readonly credentials?: string;
  readonly rate?: number;
  /** Of the gateway, beside the default one. */
  readonly network?: string;
};

/**
 * Splits an address with user and password: they go into a 0600 file beside the configuration, so that the configuration,
 * which is shown and copied more freely, holds no secret.
 *
 * @param folder of agent.yaml
 */
export async function cameraSetting(folder: string, name: string, address: string): Promise<CameraSetting> {
  const url = new URL(address);
  if (url.username === '' && url.password === '') return { name, url: address };
  const credentials = `${name}.credentials`;
  const line = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}\n`;
  await writeFileAtomic(join(folder, credentials), line, { mode: 0o600 });
  url.username = '';
  url.password = '';
  return { name, url: url.href, credentials };
}
