import { execFile, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Authority, CertificateKind, Issued } from '#backend/enrolment/authority.ts';
import { noteCertificate } from '#backend/enrolment/note-certificates.ts';
import { openAuthority } from '#backend/enrolment/open-authority.ts';
import { listCertificates, revokeCertificate } from '#backend/operations/certificates.ts';
import { enrolGateway } from '#backend/operations/enrol-gateway.ts';
import { initializeSite } from '#backend/operations/initialize-site.ts';
import { issueViewer } from '#backend/operations/issue-viewer.ts';
import { removeGateway } from '#backend/operations/remove-gateway.ts';
import { renewCertificates } from '#backend/operations/renew-certificates.ts';
import { openSite, type Site } from '#backend/site.ts';
import type { RecordedKind } from '#backend/store/certificates.ts';
import { embeddedBroker, mosquitto, type RunningBroker } from '#broker/testing/contract-brokers.ts';
import { loadConfig } from '#config/load.ts';
import { BackendConfig } from '#config/schema.ts';
import { gatewayTopics, siteTopics, VIEWER_COMMON_NAME } from '#protocol/topics.ts';
import { systemClock } from '#runtime/clock.ts';
import { connectLink, type Link } from '#runtime/link.ts';
import { createLogger } from '#runtime/log.ts';
import { RetryLadder } from '#runtime/retry.ts';

const WAIT = { timeout: 120_000 };
const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });
const topics = siteTopics('north');
const gate = gatewayTopics('north', 'gate-1');

let folder: string;
let site: Site;
let config: BackendConfig;
let authority: Authority;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blindsight-revoke-'));
  const { configFile } = await initializeSite(join(folder, 'site'), 'north');
  config = await loadConfig(configFile, BackendConfig);
  site = await openSite(config);
  authority = await openAuthority(site.store, site.vault);
  const brokerUrl = 'mqtts://localhost:8883';
  await enrolGateway({ site, name: 'gate-1', outDirectory: join(folder, 'gate-1'), brokerUrl });
});
afterAll(async () => {
  await site.close();
  await rm(folder, { recursive: true });
});

async function issue(
  kind: CertificateKind & RecordedKind,
  commonName: string,
): Promise<Issued & { serial: string }> {
  const issued = await authority.issue({ kind, commonName, days: 30 });
  await noteCertificate(site, kind, commonName, issued.certificate);
  return { ...issued, serial: new X509Certificate(issued.certificate).serialNumber };
}

const revoke = (serial: string, force = false) => revokeCertificate({ site, config, serial, force });

describe.each([
  ['aedes', embeddedBroker],
  ['mosquitto', mosquitto],
])('on %s', (name, start) => {
  let broker: RunningBroker;
  let place: string;
  const links = new Set<Link>();

  beforeAll(async () => {
    place = join(folder, name);
    await mkdir(place);
    const certificates = join(folder, 'site/certificates');
    for (const file of await readdir(certificates))
      await copyFile(join(certificates, file), join(place, file));
    broker = await start({ folder: place, site: 'north', maxMessageKilobytes: 256 });
  });
  afterAll(async () => {
    await Promise.all([...links].map((link) => link.close()));
    await broker.stop();
  });

  /** As a person does it for Mosquitto; the embedded broker reads the file of the site by itself. */
  async function handOver(): Promise<void> {
    await copyFile(join(folder, 'site/revoked-gateways'), join(place, 'revoked-gateways'));
    await copyFile(join(folder, 'site/certificates/revoked.crl'), join(place, 'revoked.crl'));
    broker.reload();
  }

  function open({ certificate, key }: Issued, clientId: string): { link: Link; downs: string[] } {
    const link = connectLink({
      url: `mqtts://localhost:${broker.port}`,
      ...{ ca: authority.certificate, certificate, key, clientId, clock: systemClock, log },
      ladder: new RetryLadder([50]),
    });
    links.add(link);
    const downs: string[] = [];
    link.onDown(({ code }) => void downs.push(code));
    return { link, downs };
  }

  const up = (link: Link) => vi.waitFor(() => expect(link.connected).toBe(true), WAIT);

  it.each(['gateway', 'backend', 'cockpit', 'viewer'] as const)(
    'a revoked certificate of a %s is cut off and let in no more, and another one for the same name is',
    async (kind) => {
      const commonName = kind === 'gateway' ? 'gate-1' : kind === 'viewer' ? 'hall' : kind;
      const stolen = await issue(kind, commonName);
      const other = await issue(kind, commonName);
      const first = open(stolen, `${kind}-stolen`);
      const second = open(other, `${kind}-other`);
      await Promise.all([up(first.link), up(second.link)]);
      expect(await revoke(stolen.serial)).toMatchObject({ state: 'revoked', kind, name: commonName });
      await handOver();
      // Mosquitto keeps open connections until it is restarted, as its configuration says.
      if (name === 'mosquitto') await broker.restart();
      await vi.waitFor(
        () => expect(first.downs.filter((code) => code !== 'LINK_DOWN')).not.toEqual([]),
        WAIT,
      );
      expect(first.link.connected).toBe(false);
      await up(second.link);
      await up(open(other, `${kind}-again`).link);
      await first.link.close();
    },
  );

  it('a viewer reads results and states with mosquitto_sub, and writes nothing with mosquitto_pub', async () => {
    const out = join(place, 'home');
    const brokerUrl = `mqtts://localhost:${broker.port}`;
    await issueViewer({ site, name: 'home', outDirectory: out, brokerUrl });
    expect((await readdir(out)).sort()).toEqual(['README', 'ca.pem', 'viewer.key', 'viewer.pem']);
    expect((await stat(join(out, 'viewer.key'))).mode & 0o777).toBe(0o600);
    const backend = open(await issue('backend', 'backend'), 'backend').link;
    const heard: string[] = [];
    backend.subscribe(`${topics.prefix}/#`, (topic, payload) =>
      heard.push(`${topic} ${Buffer.from(payload).toString()}`),
    );
    const gateway = open(await issue('gateway', 'gate-1'), 'gate-1').link;
    await Promise.all([up(backend), up(gateway)]);
    await backend.publish(topics.result('door'), '{"label":"occupied"}', { retain: true });
    await backend.publish(topics.backendState, '{"state":"online"}', { retain: true });
    await backend.publish(gate.desired, 'secret settings', { retain: true });
    await gateway.publish(gate.state, '{"state":"online"}', { retain: true });

    // The line of the README, typed in the folder of the package.
    const line = /^ {2}(mosquitto_sub .*)$/m.exec(await readFile(join(out, 'README'), 'utf8'))![1]!;
    const typed = async (more: string) =>
      (await promisify(execFile)('sh', ['-c', `${line} ${more}`], { cwd: out })).stdout;
    expect(await typed('-C 1')).toBe(`${topics.result('door')} {"label":"occupied"}\n`);
    const states = await typed(`-t '${gate.state}' -t '${topics.backendState}' -C 3`);
    expect(states.split('\n').sort()).toEqual([
      '',
      `${topics.backendState} {"state":"online"}`,
      `${gate.state} {"state":"online"}`,
      `${topics.result('door')} {"label":"occupied"}`,
    ]);
    // Everything that there is, for as long as a message that it may read takes to come after one that it may not.
    const greedy = spawn(
      'sh',
      [
        '-c',
        `exec ${line} -t '${topics.prefix}/#' -t '${gate.prefix}/#' -t '${gate.desired}' -t '${gate.receipt}'`,
      ],
      { cwd: out },
    );
    onTestFinished(() => void greedy.kill());
    let seen = '';
    greedy.stdout.on('data', (data) => {
      seen += data;
    });
    await vi.waitFor(() => expect(seen).toContain('occupied'), WAIT);
    await backend.publish(gate.receipt, 'receipt');
    await backend.publish(topics.result('door'), '{"label":"empty"}', { retain: true });
    await vi.waitFor(() => expect(seen).toContain('empty'), WAIT);
    expect(seen).not.toMatch(/secret settings|receipt/);

    const connection = line.replace('mosquitto_sub', 'mosquitto_pub').replace(/ -v -t .*$/, '');
    const own = gatewayTopics('north', VIEWER_COMMON_NAME);
    const forbidden = [
      topics.result('door'),
      topics.backendState,
      gate.state,
      gate.certificateRequest,
      own.health,
      own.log,
    ];
    for (const topic of [...forbidden, own.state, gatewayTopics('north', 'home').state]) {
      const words = `${connection} -q 1 -r -t '${topic}' -m forged`;
      // The embedded broker ends the connection, Mosquitto acknowledges and drops.
      await promisify(execFile)('sh', ['-c', words], { cwd: out }).catch(() => undefined);
    }
    await gateway.publish(gate.log, 'after all that');
    await vi.waitFor(() => expect(heard.at(-1)).toBe(`${gate.log} after all that`), WAIT);
    expect(heard.filter((message) => message.includes('forged'))).toEqual([]);
    await Promise.all([backend.close(), gateway.close()]);
  });
});

describe('site certificates', () => {
  it('lists those of a site from the first day, by kind and name, and says which are in use', async () => {
    const list = await listCertificates({ site, config });
    const own = list.filter(({ inUse }) => inUse === true);
    expect(own.map(({ kind, name, state }) => [kind, name, state])).toEqual([
      ['backend', 'backend', 'valid'],
      ['broker', 'broker', 'valid'],
      ['gateway', 'gate-1', 'valid'],
    ]);
    expect(list.find(({ kind }) => kind === 'viewer')).toMatchObject({ inUse: null });
  });

  it('revokes the one that backend or broker shows with --yes only, and makes new keys after that', async () => {
    const shown = async (kind: string) =>
      (await listCertificates({ site, config })).find((one) => one.kind === kind && one.inUse)!.serial;
    const before = { backend: await shown('backend'), broker: await shown('broker') };
    for (const serial of Object.values(before)) {
      await expect(revoke(serial)).rejects.toMatchObject({ code: 'CERTIFICATE_IN_USE' });
      expect((await site.store.certificates.get(serial))!.revokedMs).toBeNull();
      // Also as openssl writes it.
      await revoke(serial.toLowerCase().match(/../g)!.join(':'), true);
    }
    const key = await readFile(join(folder, 'site/certificates/backend.key'), 'utf8');
    await renewCertificates(site, config, true);
    expect(await readFile(join(folder, 'site/certificates/backend.key'), 'utf8')).not.toBe(key);
    for (const [kind, serial] of Object.entries(before)) expect(await shown(kind)).not.toBe(serial);
  });

  it('knows no serial number of others, and revokes all of a gateway that is removed', async () => {
    await expect(revoke('4711')).rejects.toMatchObject({ code: 'CERTIFICATE_NOT_FOUND' });
    const more = await issue('gateway', 'gate-1');
    await removeGateway(site, 'gate-1');
    const left = await site.store.certificates.list();
    expect(left.filter(({ kind, revokedMs }) => kind === 'gateway' && revokedMs === null)).toEqual([]);
    const lines = (await readFile(join(folder, 'site/revoked-gateways'), 'utf8')).split('\n');
    expect(lines).toContain('gate-1');
    expect(lines).toContain(`serial:${more.serial}`);
  });
});
