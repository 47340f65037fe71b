import { chownSync, existsSync, lstatSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { BlindsightError } from '#protocol/errors.ts';
import { writeFileAtomic } from '#runtime/files.ts';

export type AdoptGatewayOptions = {
  /** What enrolment made: agent.yaml, certificates, keys. */
  readonly from: string;
  /** Folder of the installed gateway's settings. */
  readonly settings: string;
  readonly data: string;
  /** Folder in which systemd shows the keys to the service. */
  readonly credentials: string;
  /** Number of the group that may read the settings: that of the service. */
  readonly group: number;
  /** Owner of settings and keys; another than root in tests only. */
  readonly root?: number;
};

/** Places of agent.yaml where a private key is named. */
const KEYS = [
  ['broker', 'key'],
  ['identity', 'signingKey'],
  ['identity', 'sealingKey'],
] as const;

/**
 * Makes what enrolment left in a folder the settings of the gateway that is installed on this machine. Private keys become root's, and the service
 * gets them from systemd. agent.yaml, without which the service does not start, comes last; the folder stays as it is.
 *
 * @throws BlindsightError CONFIG_UNREADABLE where the folder holds no gateway, OUTPUT_EXISTS where this machine is one already
 */
export async function adoptGateway(options: AdoptGatewayOptions): Promise<void> {
  const { from, settings, data, credentials, group, root = 0 } = options;
  const source = join(from, 'agent.yaml');
  const target = join(settings, 'agent.yaml');
  if (!existsSync(source))
    throw new BlindsightError('CONFIG_UNREADABLE', `${from} does not hold the settings of a gateway`);
  if (existsSync(target)) throw new BlindsightError('OUTPUT_EXISTS', `${target} exists already`);
  await mkdir(settings, { recursive: true, mode: 0o755 });
  const give = async (name: string, bytes: Uint8Array | string, mode: number, gid: number) => {
    await writeFileAtomic(join(settings, name), bytes, { mode });
    chownSync(join(settings, name), root, gid);
  };
  for (const name of (await readdir(from)).sort()) {
    if (!/\.(pem|key)$/.test(name)) continue;
    // Root reads here what another user wrote.
    if (!lstatSync(join(from, name)).isFile())
      throw new BlindsightError('FILE_UNREADABLE', `${join(from, name)} is not a file`);
    const isKey = name.endsWith('.key');
    await give(name, await readFile(join(from, name)), isKey ? 0o600 : 0o644, root);
  }
  const document = parseDocument(await readFile(source, 'utf8'));
  document.set('data', data);
  for (const path of KEYS) {
    const file = document.getIn(path);
    if (typeof file === 'string' && !file.startsWith('/')) document.setIn(path, join(credentials, file));
  }
  // It may hold camera addresses with passwords.
  await give('agent.yaml', document.toString(), 0o640, group);
}
