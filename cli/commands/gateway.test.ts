import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pushConfiguration } from '#backend/configuration/push-configuration.ts';
import { enrolGateway } from '#backend/operations/enrol-gateway.ts';
import { initializeSite } from '#backend/operations/initialize-site.ts';
import { withSite } from '#backend/site-folder.ts';
import { keepTestModel, releaseTo } from '#backend/testing/test-site.ts';

describe('blindsight gateway', () => {
  let data: string;

  beforeAll(async () => {
    data = mkdtempSync(join(tmpdir(), 'blindsight-gateways-'));
    const site = join(data, 'site');
    await initializeSite(site, 'yard', { brokerPort: 8883, apiPort: 0 });
    await withSite(site, (opened) =>
      enrolGateway({
        site: opened,
        name: 'gate',
        outDirectory: join(data, 'gate'),
        brokerUrl: 'mqtts://localhost:8883',
      }),
    );
  });
  afterAll(() => rmSync(data, { recursive: true }));

  const call = (...words: string[]) => {
    const cli = join(import.meta.dirname, '../main.ts');
    return promisify(execFile)(process.execPath, [cli, ...words, '--data', join(data, 'site')]);
  };
  const run = async (...words: string[]) => (await call('gateway', ...words)).stdout;
  const keepOne = () =>
    withSite(join(data, 'site'), async ({ store }) => {
      const item = {
        gateway: 'gate',
        digest: 'aa',
        camera: 'door',
        receivedMs: 1,
        envelope: Uint8Array.of(1),
      };
      const bound = { items: 9, bytes: 9, siteBytes: 9 };
      await store.held.add({ ...item, id: 1, attempts: 0 }, bound);
    });

  it('has a network beside the default one, for the cameras that name it', async () => {
    await withSite(join(data, 'site'), async (site) => {
      for (const name of ['counter', 'carpark']) await keepTestModel(site, name);
      await releaseTo(site, 'gate', 'counter');
      const settings = 'cameras:\n  - { name: lot, url: "rtsp://10.0.0.2/live" }\n';
      await pushConfiguration({ site, gateway: 'gate', settings, origin: 'file', author: 'ann' });
    });
    const { stderr } = await call('deploy', 'carpark', 'gate', '--shared', '--beside');
    expect(stderr).toContain(
      'gate fetches carpark once a camera names it: `blindsight camera network CAMERA carpark`',
    );
    await expect(call('camera', 'network', 'lot', 'carpark', '--wait', '0')).rejects.toThrow(
      /did not answer within 0 s\. Version 2 stays pushed/,
    );
    expect(await run('list')).toMatch(
      /counter version 1 \(release 1\); beside it carpark version 1 \(release 2\)\n/,
    );
    expect((await call('deploy', 'carpark', 'gate', '--shared', '--default')).stderr).toContain(
      'carpark takes the place of counter on gate',
    );
  });

  it('puts a gateway into quarantine with a reason, says what is kept of it, and releases it', async () => {
    await expect(run('quarantine', 'gate')).rejects.toThrow(/--reason/);
    await expect(run('quarantine', 'nobody', '--reason', 'stolen')).rejects.toThrow(/GATEWAY_NOT_FOUND/);
    expect(await run('quarantine', 'gate', '--reason', 'box found open')).toBe(
      'gate is in quarantine: its answers are kept, but not decrypted until you release it.\n',
    );
    expect(await run('quarantine', 'gate', '--reason', 'again')).toMatch(
      /already in quarantine; the first reason stays/,
    );
    await keepOne();
    expect(await run('list')).toMatch(/gate .* in quarantine, 1 kept/);
    await expect(run('show', 'nobody')).rejects.toThrow(/GATEWAY_NOT_FOUND/);
    const shown = await run('show', 'gate');
    expect(shown).toMatch(/^gateway +gate\n/);
    expect(shown).toMatch(
      /\nstate +unknown\nquarantine +yes: box found open\nkept answers +1\nsoftware +-\n/,
    );
    expect(await run('release', 'gate')).toBe(
      'gate was released from quarantine. Kept answers: 1, decrypted now. If it may have cheated, or the box was in other hands, give it new keys: `blindsight gateway rekey gate`.\n',
    );
    expect(await run('release', 'gate', '--discard')).toBe(
      'gate was not in quarantine. Kept answers: 1, discarded.\n',
    );
    expect(await run('release', 'gate')).toBe('gate was not in quarantine.\n');
    await withSite(join(data, 'site'), async ({ store }) => {
      expect(await store.counters.all()).toEqual({ 'refused.discarded': 1 });
      const codes = (await store.journal.latest(10)).map(({ code }) => code);
      expect(codes.slice(0, 2)).toEqual(['GATEWAY_RELEASED', 'GATEWAY_QUARANTINED']);
    });
  });
});
