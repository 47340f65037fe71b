import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '#config/load.ts';
import { BackendConfig, BrokerConfig } from '#config/schema.ts';
import { openSite, type Site } from '../site.ts';
import { addBrokerHosts, listBrokerHosts } from './broker-hosts.ts';
import { enrolGateway } from './enrol-gateway.ts';
import { initializeSite } from './initialize-site.ts';

describe('names of the broker', () => {
  let folder: string;
  let data: string;
  let site: Site | null;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'blindsight-hosts-'));
    data = join(folder, 'site');
    site = null;
  });
  afterEach(async () => {
    await site?.close();
    rmSync(folder, { recursive: true });
  });

  async function make(brokerNames: readonly string[] = []): Promise<Site> {
    const { configFile } = await initializeSite(data, 'yard', { brokerNames });
    site = await openSite(await loadConfig(configFile, BackendConfig));
    return site;
  }
  const enrol = (name: string, brokerUrl: string) =>
    enrolGateway({ site: site!, name, outDirectory: join(folder, name), brokerUrl });
  const brokerConfig = () => loadConfig(join(data, 'broker.yaml'), BrokerConfig);
  const certificate = () => new X509Certificate(readFileSync(join(data, 'certificates/broker.pem')));

  it('are given with the site: host names, IPv4 and IPv6', async () => {
    await make(['broker.example.org', '192.0.2.7', '2001:DB8::0:7']);
    expect(await listBrokerHosts(site!)).toEqual([
      'localhost',
      '127.0.0.1',
      'broker.example.org',
      '192.0.2.7',
      '2001:db8::7',
    ]);
    expect((await brokerConfig()).host).toBe('::');
    for (const [name, url] of [
      ['a', 'mqtts://broker.example.org:8883'],
      ['b', 'mqtts://BROKER.example.org'],
      ['c', 'mqtts://192.0.2.7:1883/'],
      ['d', 'mqtts://[2001:db8:0::7]:8883'],
      ['e', 'mqtts://localhost:8883'],
    ] as const)
      await enrol(name, url);
  });

  it('open the broker no further than they need: loopback, every IPv4 interface, IPv6 too', async () => {
    await make();
    expect((await brokerConfig()).host).toBe('127.0.0.1');
    await addBrokerHosts(site!, ['localhost', '::1']);
    expect((await brokerConfig()).host).toBe('127.0.0.1');
    expect((await addBrokerHosts(site!, ['192.0.2.7'])).listens).toBe('0.0.0.0');
    expect((await addBrokerHosts(site!, ['192.0.2.8'])).listens).toBeNull();
    expect((await addBrokerHosts(site!, ['fd00::1'])).listens).toBe('::');
  });

  it('refuse a gateway that could not connect, and say which command helps, which then does', async () => {
    await make();
    writeFileSync(join(data, 'broker.yaml'), `# ours\n${readFileSync(join(data, 'broker.yaml'), 'utf8')}`, {
      mode: 0o600,
    });
    const url = 'mqtts://broker.example.org:8883';
    await expect(enrol('gate', url)).rejects.toMatchObject({
      code: 'BROKER_ADDRESS',
      message: `no gateway could connect to ${url}: the certificate of the broker covers localhost, 127.0.0.1, not broker.example.org. Add it, then enrol: \`blindsight site broker-host broker.example.org\``,
    });
    const key = readFileSync(join(data, 'certificates/broker.key'));
    const before = certificate();
    expect(await addBrokerHosts(site!, ['broker.example.org'])).toEqual({
      hosts: ['localhost', '127.0.0.1', 'broker.example.org'],
      listens: '0.0.0.0',
    });
    await enrol('gate', url);

    expect(readFileSync(join(data, 'certificates/broker.key'))).toEqual(key);
    expect(certificate().checkPrivateKey(createPrivateKey(key))).toBe(true);
    const ca = new X509Certificate(readFileSync(join(folder, 'gate/ca.pem')));
    expect(certificate().checkIssued(ca) && certificate().verify(ca.publicKey)).toBe(true);
    expect(certificate().serialNumber).not.toBe(before.serialNumber);
    expect((await brokerConfig()).host).toBe('0.0.0.0');
    expect(readFileSync(join(data, 'broker.yaml'), 'utf8')).toMatch(/^# ours\n# Made by/);
    expect(statSync(join(data, 'broker.yaml')).mode & 0o777).toBe(0o600);

    // Further ones are added to those before, and an address that somebody chose stays.
    const text = readFileSync(join(data, 'broker.yaml'), 'utf8').replace('0.0.0.0', '192.0.2.7');
    writeFileSync(join(data, 'broker.yaml'), text, { mode: 0o600 });
    const { hosts, listens } = await addBrokerHosts(site!, ['fd00::1', 'Broker.Example.org']);
    expect(hosts).toEqual(['localhost', '127.0.0.1', 'broker.example.org', 'fd00::1']);
    expect(listens).toBeNull();
  });

  it.each([
    'broker.example.org',
    'mqtt://localhost:1883',
    'mqtts://',
    'mqtts://localhost:99999',
    'mqtts://user:secret@localhost',
    'mqtts://localhost/path',
    'https://localhost',
  ])('say that %s is no address of a broker', async (url) => {
    await make();
    await expect(enrol('gate', url)).rejects.toMatchObject({ code: 'BROKER_ADDRESS' });
  });

  it.each(['mqtts://broker', 'broker:8883', '[fd00::1]', 'a b', ''])(
    'refuse "%s" before anything is made',
    async (name) => {
      await expect(initializeSite(data, 'yard', { brokerNames: [name] })).rejects.toMatchObject({
        code: 'CERTIFICATE_INVALID',
      });
      await make();
      const before = certificate().serialNumber;
      await expect(addBrokerHosts(site!, [name])).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID' });
      expect(certificate().serialNumber).toBe(before);
    },
  );

  it('are left to others where the broker has its certificate from elsewhere', async () => {
    await make();
    rmSync(join(data, 'certificates/broker.pem'));
    await enrol('gate', 'mqtts://mosquitto.example.org:8883');
  });
});
