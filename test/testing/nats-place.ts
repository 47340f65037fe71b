import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority } from '#backend/enrolment/authority.ts';
import type { StreamSettings } from '#backend/queue/stream-link.ts';

/** A folder with what a NATS server of a site needs, or another broker, and the backend's way to it. */
export type NatsPlace = {
  readonly folder: string;
  /** @param ports of the servers' own protocol */
  settings(ports: readonly number[], changed?: Partial<StreamSettings>): StreamSettings;
  /** Of the same authority. */
  issue(kind: 'gateway', commonName: string): Promise<{ readonly certificate: string; readonly key: string }>;
  remove(): Promise<void>;
};

export async function makeNatsPlace(site: string): Promise<NatsPlace> {
  const folder = await mkdtemp(join(tmpdir(), 'blindsight-nats-'));
  const authority = await createAuthority();
  const server = await authority.issue({ kind: 'broker', commonName: 'broker', days: 1 });
  await writeFile(join(folder, 'ca.pem'), authority.certificate);
  await writeFile(join(folder, 'broker.pem'), server.certificate);
  await writeFile(join(folder, 'broker.key'), server.key, { mode: 0o600 });
  await writeFile(join(folder, 'revoked.crl'), await authority.revocationList([], Date.now()));
  const { certificate, key } = await authority.issue({ kind: 'backend', commonName: 'backend', days: 1 });
  return {
    folder,
    settings: (ports, changed = {}) => ({
      ...{ site, servers: ports.map((port) => `tls://localhost:${port}`), replicas: 1 },
      ...{ maxBytes: 2 ** 30, maxPerGateway: 20_000, ca: authority.certificate, certificate, key },
      ...changed,
    }),
    issue: (kind, commonName) => authority.issue({ kind, commonName, days: 1 }),
    remove: () => rm(folder, { recursive: true }),
  };
}
