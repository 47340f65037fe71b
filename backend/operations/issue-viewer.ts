import { existsSync } from 'node:fs';
import { readdir, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { BlindsightError } from '#protocol/errors.ts';
import { Name } from '#protocol/names.ts';
import { siteTopics } from '#protocol/topics.ts';
import { ensureDirectory, syncFolder, writeFileAtomic } from '#runtime/files.ts';
import { parseBrokerUrl } from '../enrolment/broker-certificate.ts';
import { noteCertificate } from '../enrolment/note-certificates.ts';
import { openAuthority } from '../enrolment/open-authority.ts';
import type { Site } from '../site.ts';

export type IssueViewerOptions = {
  readonly site: Pick<Site, 'name' | 'store' | 'vault'>;
  readonly name: string;
  /** A folder that does not exist, or is empty. */
  readonly outDirectory: string;
  /** mqtts://host:port as the viewer reaches the broker. */
  readonly brokerUrl: string;
};

/** Programs that nobody looks after are not to stop once a year. */
export const VIEWER_DAYS = 5 * 365;

/**
 * Makes a package for a program that reads: results, alerts, and states of gateways and cameras. Brokers let it write nothing but that Home Assistant has started. Two viewers of one name are two
 * certificates, each of which can be revoked.
 *
 * @throws BlindsightError NAME_INVALID, OUTPUT_EXISTS, BROKER_ADDRESS
 */
export async function issueViewer({
  site,
  name,
  outDirectory,
  brokerUrl,
}: IssueViewerOptions): Promise<void> {
  const out = resolve(outDirectory);
  if (!Name.safeParse(name).success)
    throw new BlindsightError('NAME_INVALID', `"${name}" cannot be the name of a viewer`);
  if (existsSync(out) && (await readdir(out)).length > 0)
    throw new BlindsightError('OUTPUT_EXISTS', `${out} is not empty`);
  const { host, port } = parseBrokerUrl(brokerUrl);
  const authority = await openAuthority(site.store, site.vault);
  const { certificate, key } = await authority.issue({ kind: 'viewer', commonName: name, days: VIEWER_DAYS });
  const draft = join(dirname(out), `.${basename(out)}.draft`);
  await rm(draft, { recursive: true, force: true });
  try {
    await ensureDirectory(draft);
    await writeFileAtomic(join(draft, 'viewer.key'), key, { mode: 0o600 });
    await writeFileAtomic(join(draft, 'viewer.pem'), certificate);
    await writeFileAtomic(join(draft, 'ca.pem'), authority.certificate);
    await writeFileAtomic(join(draft, 'README'), readme(site.name, name, host, port));
    // Before anybody can use it: what is not recorded cannot be revoked.
    await noteCertificate(site, 'viewer', name, certificate);
    if (existsSync(out)) await rmdir(out);
    await rename(draft, out);
    await syncFolder(dirname(out));
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
}

function readme(site: string, name: string, host: string, port: number): string {
  const { prefix, backendState } = siteTopics(site);
  return `Viewer ${name} of the site ${site}: reads results, alerts and states over MQTT, and can write nothing but that Home Assistant has started. The private key viewer.key is a
password; whoever has it reads along. To withdraw it: \`blindsight site certificates\`, then \`blindsight site revoke SERIAL\`.

Try it, in this folder:

  mosquitto_sub -h ${host} -p ${port} --cafile ca.pem --cert viewer.pem --key viewer.key -v -t '${prefix}/results/#'

The topics:

  ${prefix}/results/CAMERA           the newest answer about a camera, JSON, retained
  ${prefix}/results/CAMERA/REGION    the same for a camera with several regions
  ${prefix}/+/state                  whether each gateway is online, retained
  ${prefix}/+/camera/CAMERA/state    what each camera is doing, retained
  ${prefix}/+/health                 load, disk and temperature of each gateway
  ${prefix}/alerts/RULE/SUBJECT      an alert while it is open, JSON, retained
  ${backendState}            whether somebody opens the answers, retained

Home Assistant and Node-RED ask for the same three files (certificate authority, client certificate, client key), host ${host}, port ${port},
MQTT 3.1.1 over TLS, no user name. Home Assistant then learns of cameras and gateways by itself, if backend.yaml has

  homeAssistant:
    enabled: true
`;
}
