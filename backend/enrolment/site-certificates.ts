import { join } from 'node:path';
import type { BackendConfig } from '#config/schema.ts';
import { certificateEnd } from '#runtime/certificate-end.ts';
import { readPublicFile } from '#runtime/files.ts';
import type { Site } from '../site.ts';
import { BROKER_CERTIFICATE_FILE } from './broker-certificate.ts';

/** A certificate of a site: who presents it, and when it expires. */
export type SiteCertificate = {
  readonly owner: 'gateway' | 'backend' | 'broker';
  /** For a gateway its name; else as `owner`. */
  readonly name: string;
  readonly endMs: number;
};

/** All certificates of a site that are in use, from store and files; a broker whose certificate lies elsewhere is omitted. */
export async function siteCertificates(
  { store, brokerDirectory }: Pick<Site, 'store' | 'brokerDirectory'>,
  { broker }: Pick<BackendConfig, 'broker'>,
): Promise<SiteCertificate[]> {
  const gateways = await store.gateways.list();
  const files = [
    ['backend', broker.certificate],
    ['broker', join(brokerDirectory, BROKER_CERTIFICATE_FILE)],
  ] as const;
  const own: SiteCertificate[] = [];
  for (const [owner, file] of files) {
    const pem = await readPublicFile(file).catch(() => null);
    const endMs = pem === null ? null : certificateEnd(pem);
    if (endMs !== null) own.push({ owner, name: owner, endMs });
  }
  return [
    ...own,
    ...gateways.map(({ name, certificateEndMs }) => ({
      owner: 'gateway' as const,
      name,
      endMs: certificateEndMs,
    })),
  ];
}
