import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { BackendConfig } from '#config/schema.ts';
import {
  BROKER_CERTIFICATE_FILE,
  brokerHosts,
  parseBrokerUrl,
  readBrokerCertificate,
} from './broker-certificate.ts';

export type EnrolmentPlaces = Pick<BackendConfig, 'data' | 'brokerFolder' | 'broker'>;

/**
 * Names and addresses of the site: those of its broker, and, where the broker is elsewhere, the one under which the backend reaches it. The certificate of the
 * enrolment covers them.
 */
export async function enrolmentHosts({ data, brokerFolder, broker }: EnrolmentPlaces): Promise<string[]> {
  const { host } = parseBrokerUrl(broker.url);
  const folder = brokerFolder ?? data;
  const known = existsSync(join(folder, BROKER_CERTIFICATE_FILE))
    ? brokerHosts(await readBrokerCertificate(folder))
    : [];
  return [...new Set([...known, host])];
}
