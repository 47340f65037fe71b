import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { adoptGateway } from './adopt-gateway.ts';

const SETTINGS = `site: plaza
gateway: gate-1
data: ./state # here
broker: { url: "mqtts://broker.example.org:8883", ca: ca.pem, certificate: gateway.pem, key: gateway.key }
identity: { signingKey: signing.key, ownerKey: owner-key.pub.pem, sealingKey: sealing.key }
cameras: []
`;

describe('an installed gateway', () => {
  let folder: string;
  const at = (...names: string[]) => join(folder, ...names);
  const mode = (name: string) => (statSync(at('etc', name)).mode & 0o777).toString(8);
  const adopt = () =>
    adoptGateway({
      ...{ from: at('gate-1'), settings: at('etc'), data: '/var/lib/state', credentials: '/run/c' },
      ...{ group: process.getgid!(), root: process.getuid!() },
    });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'blindsight-adopt-'));
    mkdirSync(at('gate-1'));
    writeFileSync(at('gate-1', 'agent.yaml'), SETTINGS);
    for (const name of ['ca.pem', 'gateway.pem', 'owner-key.pub.pem', 'root-key.pub.pem'])
      writeFileSync(at('gate-1', name), name);
    for (const name of ['gateway.key', 'signing.key', 'sealing.key'])
      writeFileSync(at('gate-1', name), name, { mode: 0o600 });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('takes settings, certificates and keys, which systemd shows to its service', async () => {
    await adopt();
    expect(readdirSync(at('etc')).sort()).toEqual(readdirSync(at('gate-1')).sort());
    expect([mode('gateway.key'), mode('ca.pem'), mode('agent.yaml')]).toEqual(['600', '644', '640']);
    const text = readFileSync(at('etc', 'agent.yaml'), 'utf8');
    expect(text).toContain('# here');
    expect(parse(text)).toMatchObject({
      data: '/var/lib/state',
      broker: { ca: 'ca.pem', certificate: 'gateway.pem', key: '/run/c/gateway.key' },
      identity: {
        signingKey: '/run/c/signing.key',
        sealingKey: '/run/c/sealing.key',
        ownerKey: 'owner-key.pub.pem',
      },
    });
  });

  it('of an earlier version has no key for passwords', async () => {
    writeFileSync(at('gate-1', 'agent.yaml'), SETTINGS.replace(', sealingKey: sealing.key', ''));
    await adopt();
    expect(readFileSync(at('etc', 'agent.yaml'), 'utf8')).not.toContain('sealing');
  });

  it('keeps what it has', async () => {
    await adopt();
    writeFileSync(at('gate-1', 'gateway.key'), 'another');
    await expect(adopt()).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
    expect(readFileSync(at('etc', 'gateway.key'), 'utf8')).toBe('gateway.key');
  });

  it('is not made of a folder without settings, and follows no link', async () => {
    rmSync(at('gate-1', 'signing.key'));
    symlinkSync('/etc/shadow', at('gate-1', 'signing.key'));
    await expect(adopt()).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
    expect(existsSync(at('etc', 'agent.yaml'))).toBe(false);
    rmSync(at('gate-1', 'agent.yaml'));
    await expect(adopt()).rejects.toMatchObject({ code: 'CONFIG_UNREADABLE' });
  });
});
