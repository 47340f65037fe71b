import type { Site } from '../site.ts';
import {
  brokerHosts,
  brokerUrl,
  isLoopback,
  parseBrokerUrl,
  readBrokerCertificate,
} from './broker-certificate.ts';

/**
 * Where gateways reach the broker of a site: the address that the backend uses, or, where the backend has the broker on its own machine,
 * the first name for other machines that the broker's certificate covers.
 *
 * @param backendUrl mqtts://host:port
 */
export async function brokerForGateways(site: Site, backendUrl: string): Promise<string> {
  const { host, port } = parseBrokerUrl(backendUrl);
  if (!isLoopback(host)) return backendUrl;
  const elsewhere = brokerHosts(await readBrokerCertificate(site.brokerDirectory)).find(
    (name) => !isLoopback(name),
  );
  return elsewhere === undefined ? backendUrl : brokerUrl(elsewhere, port);
}
