import { createPublicKey, X509Certificate } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '#config/load.ts';
import { AgentConfig, BackendConfig, BrokerConfig } from '#config/schema.ts';
import { ENVELOPE_OVERHEAD_BYTES } from '#protocol/envelope.ts';
import { decodeManifest, verifyManifest } from '#protocol/manifest.ts';
import { SECRETS } from '../sealing/identities.ts';
import { openSite, type Site } from '../site.ts';
import { keepTestModel } from '../testing/test-site.ts';
import { deployModel, listDeployments } from './deploy-model.ts';
import { enrolGateway } from './enrol-gateway.ts';
import { listGateways } from './gateways.ts';
import { initializeSite } from './initialize-site.ts';
import { listModels } from './models.ts';

const mode = (path: string) => statSync(path).mode & 0o777;

describe('a site', () => {
  let folder: string;
  let data: string;
  let site: Site | null;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'blindsight-operations-'));
    data = join(folder, 'site');
    site = null;
  });
  afterEach(async () => {
    await site?.close();
    rmSync(folder, { recursive: true });
  });

  async function open(): Promise<Site> {
    site ??= await openSite(await loadConfig(join(data, 'backend.yaml'), BackendConfig));
    return site;
  }

  it('is made with keys, certificates and configurations that load', async () => {
    const made = await initializeSite(data, 'yard', {
      brokerPort: 1234,
      brokerNames: ['broker.example.org'],
    });
    const broker = await loadConfig(made.brokerConfigFile, BrokerConfig);
    expect(broker).toMatchObject({ site: 'yard', port: 1234 });
    const { name } = await open();
    expect(name).toBe('yard');
    const ca = new X509Certificate(readFileSync(join(data, 'certificates/ca.pem')));
    for (const kind of ['broker', 'backend']) {
      const certificate = new X509Certificate(readFileSync(join(data, `certificates/${kind}.pem`)));
      expect(certificate.verify(ca.publicKey)).toBe(true);
      expect(certificate.subject).toBe(`CN=${kind}`);
      expect(mode(join(data, `certificates/${kind}.key`))).toBe(0o600);
    }
    expect(mode(join(data, 'installation.key'))).toBe(0o600);
    expect(readFileSync(join(data, 'certificates/revoked.crl'), 'utf8')).toMatch(/^-----BEGIN X509 CRL-----/);
    const names = new X509Certificate(readFileSync(join(data, 'certificates/broker.pem'))).subjectAltName;
    expect(names).toContain('broker.example.org');
    expect(names).toContain('localhost');
  });

  it('keeps no private key of authority or owner in the clear', async () => {
    await initializeSite(data, 'yard');
    const { store, vault } = await open();
    const keys = [SECRETS.authorityKey, SECRETS.ownerSigningKey];
    const plain = await Promise.all(keys.map(async (key) => Buffer.from(await vault.fetch(store, key))));
    const bodies = plain.map((pem) => pem.toString().split('\n')[1]!);
    expect(bodies.every((body) => body.length > 40)).toBe(true);
    for (const entry of readdirSync(data, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const content = readFileSync(join(entry.parentPath, entry.name), 'latin1');
      for (const body of bodies) expect(content.includes(body), entry.name).toBe(false);
    }
  });

  it('is not made twice, but a run that was cut short can be repeated', async () => {
    await initializeSite(data, 'yard');
    await expect(initializeSite(data, 'yard')).rejects.toMatchObject({ code: 'SITE_EXISTS' });
    const owner = readFileSync(join(data, 'owner-key.pub.pem'), 'utf8');
    rmSync(join(data, 'backend.yaml'));
    rmSync(join(data, 'certificates'), { recursive: true });
    await expect(initializeSite(data, 'other')).rejects.toMatchObject({ code: 'SITE_EXISTS' });
    await initializeSite(data, 'yard');
    expect(readFileSync(join(data, 'owner-key.pub.pem'), 'utf8')).toBe(owner);
    expect((await open()).name).toBe('yard');
    await expect(initializeSite(join(folder, 'x'), 'Bad Name')).rejects.toMatchObject({
      code: 'NAME_INVALID',
    });
  });

  it('refuses a foreign installation key', async () => {
    await initializeSite(data, 'yard');
    await initializeSite(join(folder, 'second'), 'yard');
    const config = await loadConfig(join(data, 'backend.yaml'), BackendConfig);
    const foreign = { ...config, installationKey: join(folder, 'second/installation.key') };
    await expect(openSite(foreign)).rejects.toMatchObject({ code: 'INSTALLATION_KEY_INVALID' });
    await expect(openSite({ ...config, site: 'other' })).rejects.toMatchObject({ code: 'SITE_MISSING' });
  });

  it('enrols a gateway with a package of its own', async () => {
    await initializeSite(data, 'yard');
    const out = join(folder, 'packages/gate');
    const brokerUrl = 'mqtts://localhost:8883';
    const { configFile } = await enrolGateway({
      site: await open(),
      name: 'gate',
      outDirectory: out,
      brokerUrl,
    });
    expect(readdirSync(out).sort()).toEqual([
      'agent.yaml',
      'ca.pem',
      'gateway.key',
      'gateway.pem',
      'owner-key.pub.pem',
      'root-key.pub.pem',
      'sealing.key',
      'signing.key',
    ]);
    for (const file of ['gateway.key', 'signing.key', 'sealing.key', 'agent.yaml'])
      expect(mode(join(out, file))).toBe(0o600);
    expect(await loadConfig(configFile, AgentConfig)).toMatchObject({ gateway: 'gate', cameras: [] });
    const [gateway] = await listGateways(await open());
    const certificate = new X509Certificate(readFileSync(join(out, 'gateway.pem')));
    expect(gateway).toMatchObject({ name: 'gate', certificateSerial: certificate.serialNumber });
    const fromPackage = createPublicKey(readFileSync(join(out, 'signing.key')));
    expect(createPublicKey(gateway!.signingKey).equals(fromPackage)).toBe(true);
    const sealing = createPublicKey(readFileSync(join(out, 'sealing.key')));
    expect(sealing.asymmetricKeyType).toBe('x25519');
    expect(createPublicKey(gateway!.sealingKey!).equals(sealing)).toBe(true);

    const enrol = (name: string, outDirectory: string) =>
      enrolGateway({ site: site!, name, outDirectory, brokerUrl });
    await expect(enrol('gate', join(folder, 'b'))).rejects.toMatchObject({ code: 'GATEWAY_EXISTS' });
    await expect(enrol('second', out)).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
    await expect(enrol('results', join(folder, 'c'))).rejects.toMatchObject({ code: 'NAME_INVALID' });
    await expect(enrol('../x', join(folder, 'c'))).rejects.toMatchObject({ code: 'NAME_INVALID' });
    expect(existsSync(join(folder, 'c'))).toBe(false);
    expect(await listGateways(site!)).toHaveLength(1);
  });

  it('releases a model with counters that strictly increase, signed by the owner', async () => {
    await initializeSite(data, 'yard');
    const opened = await open();
    await keepTestModel(opened, 'counter');
    expect(await listModels(opened)).toMatchObject([{ name: 'counter', version: 1 }]);
    const deploy = (model: string, gateway: string) => deployModel({ site: opened, model, gateway });
    await expect(deploy('counter', 'gate')).rejects.toMatchObject({ code: 'GATEWAY_NOT_FOUND' });
    await enrolGateway({
      site: opened,
      name: 'gate',
      outDirectory: join(folder, 'gate'),
      brokerUrl: 'mqtts://localhost:1',
    });
    await expect(deploy('other', 'gate')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    const release = { site: opened, model: 'counter', gateway: 'gate' };
    await expect(deployModel({ ...release, maxMessageBytes: 1000 })).rejects.toMatchObject({
      code: 'ANSWER_TOO_LARGE',
      message: `answers of counter version 1 make messages of up to ${10 + ENVELOPE_OVERHEAD_BYTES} bytes; at most 1000 pass`,
    });
    await deploy('counter', 'gate');
    const second = await deploy('counter', 'gate');
    expect((await listDeployments(opened)).map((row) => [row.counter, row.status])).toEqual([
      [1, 'superseded'],
      [2, 'waiting'],
    ]);
    const decoded = decodeManifest(second.manifest);
    expect(decoded.manifest).toMatchObject({ counter: 2, gateway: 'gate', site: 'yard', model: 'counter' });
    const owner = createPublicKey(readFileSync(join(data, 'owner-key.pub.pem')));
    expect(verifyManifest(decoded, owner)).toBe(true);
  });
});
