import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadConfig } from './load.ts';
import { AgentConfig, BackendConfig } from './schema.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blindsight-config-'));
  file = join(folder, 'agent.yaml');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

const AGENT = `
site: north
gateway: gate-1
data: data
broker: { url: "mqtts://localhost:8883", ca: ca.pem, certificate: ../gateway.pem, key: /keys/gateway.key }
identity: { signingKey: signing.key, ownerKey: owner.pem }
`;

describe('loadConfig', () => {
  it('fills in defaults and makes paths absolute against the file', async () => {
    await writeFile(file, `${AGENT}cameras: [{ name: door, url: "rtsp://cam/1", credentials: door.txt }]\n`);
    const config = await loadConfig(file, AgentConfig);
    expect(config).toMatchObject({
      data: join(folder, 'data'),
      broker: {
        url: 'mqtts://localhost:8883',
        ca: join(folder, 'ca.pem'),
        certificate: join(folder, '..', 'gateway.pem'),
        key: '/keys/gateway.key',
      },
      outbox: { maxMegabytes: 256, maxAgeHours: 72 },
      cameras: [
        { name: 'door', url: 'rtsp://cam/1', credentials: join(folder, 'door.txt'), rate: 10, masks: [] },
      ],
    });
  });

  it('makes the default paths absolute too, in the branch of a union that was chosen', async () => {
    const broker = AGENT.split('\n').find((line) => line.startsWith('broker'));
    await writeFile(file, `site: north\ndata: .\n${broker}\n`);
    const config = await loadConfig(file, BackendConfig);
    expect(config.store).toEqual({ kind: 'sqlite', file: join(folder, 'blindsight.db') });
    expect(config.installationKey).toBe(join(folder, 'installation.key'));
    await writeFile(file, `site: north\ndata: .\n${broker}\nstore: { kind: postgresql, urlFile: pg.url }\n`);
    expect((await loadConfig(file, BackendConfig)).store).toEqual({
      kind: 'postgresql',
      urlFile: join(folder, 'pg.url'),
    });
  });

  it('refuses a secret that others can read, with the place that names it', async () => {
    await writeFile(file, AGENT);
    await writeFile(join(folder, 'signing.key'), 'x');
    await chmod(join(folder, 'signing.key'), 0o640);
    const error = await loadConfig(file, AgentConfig).catch((caught: Error) => caught);
    expect(error).toMatchObject({ code: 'SECRET_EXPOSED' });
    expect(String(error)).toContain(
      `${file}:6:25: identity.signingKey: ${join(folder, 'signing.key')} has mode 0640`,
    );
    await chmod(join(folder, 'signing.key'), 0o600);
    await loadConfig(file, AgentConfig);
  });

  it('leaves the guard of its own credentials to systemd', async () => {
    await writeFile(
      file,
      AGENT.replace('signingKey: signing.key', `signingKey: ${join(folder, 'run/signing.key')}`),
    );
    await mkdir(join(folder, 'run'));
    await writeFile(join(folder, 'run/signing.key'), 'x');
    await chmod(join(folder, 'run/signing.key'), 0o440);
    await expect(loadConfig(file, AgentConfig)).rejects.toMatchObject({ code: 'SECRET_EXPOSED' });
    vi.stubEnv('CREDENTIALS_DIRECTORY', join(folder, 'run'));
    await loadConfig(file, AgentConfig);
  });

  it('refuses a password in a file that everybody can read, without repeating it', async () => {
    await writeFile(file, `${AGENT}cameras:\n  - { name: door, url: "rtsp://me:hunter2@cam/1" }\n`);
    await chmod(file, 0o644);
    const error = await loadConfig(file, AgentConfig).catch((caught: Error) => caught);
    expect(error).toMatchObject({ code: 'SECRET_EXPOSED' });
    expect(String(error)).toContain(`${file}:8:24: cameras[0].url: contains a password`);
    expect(String(error)).not.toContain('hunter2');
    await chmod(file, 0o640);
    expect((await loadConfig(file, AgentConfig)).cameras[0]?.url).toContain('hunter2');
  });

  it('says which file is missing or too large', async () => {
    await expect(loadConfig(join(folder, 'none.yaml'), AgentConfig)).rejects.toMatchObject({
      code: 'CONFIG_UNREADABLE',
      message: expect.stringContaining('none.yaml'),
    });
    await writeFile(file, '#'.repeat(1_100_000));
    await expect(loadConfig(file, AgentConfig)).rejects.toThrow('at most 1048576');
  });
});
