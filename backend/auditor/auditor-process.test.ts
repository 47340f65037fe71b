import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '#runtime/clock.ts';
import { createLogger } from '#runtime/log.ts';
import { EventHub } from '../api/event-hub.ts';
import { type RunningApi, startApi } from '../api/server.ts';
import { addToken } from '../people/tokens.ts';
import { SECRETS } from '../sealing/identities.ts';
import { AuditedSite } from '../testing/audited-site.ts';
import { makeDecryptingSite } from '../testing/decrypting-site.ts';
import { OpeningGateway } from '../testing/opening-gateway.ts';
import { makeTinyNetwork, type TinyNetwork } from '../testing/tiny-network.ts';
import { auditorIdentity, forgetOwnAuditor, renumberAuditor } from './auditor-key.ts';
import { type AuditorProcessOptions, runAuditor } from './auditor-process.ts';
import { PartCache } from './part-cache.ts';
import { RemoteAuditor } from './remote-auditor.ts';

const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });
const WAIT = { timeout: 120_000, interval: 100 };

describe('an auditor that is a process of its own', () => {
  let network: TinyNetwork;
  let audited: AuditedSite;
  let gateway: OpeningGateway;
  let remote: RemoteAuditor;
  let api: RunningApi;
  let folder: string;
  let stop: AbortController;
  const running: Promise<void>[] = [];
  beforeAll(async () => {
    network = await makeTinyNetwork();
  });
  afterAll(() => network.close());
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'blindsight-auditor-'));
    audited = new AuditedSite(await makeDecryptingSite(network));
    gateway = await OpeningGateway.make(audited.at, network, { now: () => audited.clock.now() });
    stop = new AbortController();
    await serve(new RemoteAuditor(systemClock));
  });
  afterEach(async () => {
    stop.abort();
    await Promise.allSettled(running.splice(0));
    await api.close();
    await gateway.close();
    await audited.close();
    rmSync(folder, { recursive: true });
  });

  async function serve(auditor: RemoteAuditor | null): Promise<void> {
    const { site } = audited.at;
    if (auditor !== null) remote = auditor;
    const snapshot = async () => ({}) as never;
    api = await startApi({
      ...{
        site,
        snapshot,
        auditor,
        log,
        clock: audited.clock,
        host: '127.0.0.1',
        port: 0,
        token: 'a token of the site',
      },
      isStuck: () => false,
      broker: () => ({ connected: true, detail: '' }),
      hub: new EventHub(snapshot, () => {}),
    });
  }
  const token = (name: string, role: 'auditor' | 'owner' | 'viewer' = 'auditor') =>
    addToken(audited.at.site, { name, role, days: null });
  const optionsOf = (secret: string, data = 'auditor'): AuditorProcessOptions => ({
    ...{ url: `http://127.0.0.1:${api.port}`, token: secret, data: join(folder, data) },
    ...{ cacheBytes: 2 ** 30, clock: systemClock, log },
  });
  const start = (options: AuditorProcessOptions) => {
    const end = runAuditor(options, stop.signal);
    running.push(end);
    return end;
  };
  const call = (path: string, secret: string, method = 'GET') =>
    fetch(`http://127.0.0.1:${api.port}${path}`, { method, headers: { authorization: `Bearer ${secret}` } });

  it('judges what gateways show, while the backend has no key that opens it', async () => {
    const { site } = audited.at;
    await audited.start();
    expect(await site.store.secrets.get(SECRETS.auditorKey)).not.toBeNull();
    await audited.start({}, remote);
    expect(await site.store.secrets.get(SECRETS.auditorKey)).toBeNull();
    // Nobody to seal to: nobody is asked.
    await gateway.send();
    await audited.decrypt();
    expect(await audited.ask()).toEqual([]);
    void start(optionsOf(await token('auditor-1')));
    await vi.waitFor(
      async () => expect((await auditorIdentity(site.store))?.by).toBe('token:auditor-1'),
      WAIT,
    );
    await audited.service.linkUp();
    await gateway.send({ frameTimeMs: audited.clock.now() - 1500 });
    await audited.decrypt();
    const { number } = (await auditorIdentity(site.store))!;
    expect(number).toBe(2);
    await audited.answer(gateway, await audited.ask(20_000));
    expect(await audited.counts()).toMatchObject({ equal: 2, unequal: 0, missing: 0, waiting: 0 });
    gateway.show = (opening) => ({ ...opening!, picture: Uint8Array.of(9, 9) });
    await gateway.send();
    await audited.decrypt();
    await audited.answer(gateway, await audited.ask());
    expect(await audited.quarantine()).toContain('an audit proved');
    expect(statSync(join(folder, 'auditor/auditor.key')).mode & 0o777).toBe(0o600);
    const entries = await site.store.audit.after(0, 50);
    expect(entries.map(({ act, actor }) => [act, actor])).toContainEqual(['auditor key', 'token:auditor-1']);
  });

  it('brings one key for each token, and a new one with a new token', async () => {
    const { store } = audited.at.site;
    await forgetOwnAuditor(store);
    const first = await token('auditor-1');
    void start(optionsOf(first));
    await vi.waitFor(async () => expect(await auditorIdentity(store)).not.toBeNull(), WAIT);
    const before = await auditorIdentity(store);
    await expect(start(optionsOf(first, 'other'))).rejects.toMatchObject({
      code: 'AUDITOR_REFUSED',
      message: expect.stringContaining('AUDITOR_KEY_CHANGED'),
    });
    expect(await auditorIdentity(store)).toEqual(before);
    void start(optionsOf(await token('auditor-2'), 'other'));
    await vi.waitFor(async () => expect((await auditorIdentity(store))?.by).toBe('token:auditor-2'), WAIT);
    expect((await auditorIdentity(store))!.number).toBe(before!.number + 1);
  });

  it('may do nothing else, and nobody else may do this', async () => {
    const auditor = await token('auditor-1');
    for (const path of ['/api/state', '/api/journal', '/metrics', '/api/gateways/gate/commands'])
      expect((await call(path, auditor)).status, path).toBe(403);
    for (const secret of ['a token of the site', await token('anna', 'owner')])
      expect((await call('/api/auditor/job?seconds=0', secret)).status).toBe(403);
    expect((await call('/api/auditor/job?seconds=0', auditor)).status).toBe(204);
    // A sealed network is a file beside those parts, and no part of what is audited now.
    const [model] = await audited.at.site.store.models.list();
    expect((await call(`/api/auditor/parts/${model!.parts[0]!.sha256}`, auditor)).status).toBe(404);
    await api.close();
    await serve(null);
    await expect(start(optionsOf(auditor))).rejects.toMatchObject({
      code: 'AUDITOR_REFUSED',
      message: expect.stringContaining('AUDITOR_NOT_WANTED'),
    });
    await expect(start(optionsOf('no token'))).rejects.toMatchObject({ code: 'AUDITOR_REFUSED' });
  });

  it('has a number above all that gateways have seen once its site was restored', async () => {
    const { store } = audited.at.site;
    await audited.start();
    const before = (await auditorIdentity(store))!;
    await store.transaction((inside) => renumberAuditor(inside, 1_700_000_000));
    expect(await auditorIdentity(store)).toEqual({ ...before, number: 1_700_000_000 });
  });

  it('refuses a key that others can read', async () => {
    const options = optionsOf(await token('auditor-1'));
    const end = start(options);
    await vi.waitFor(() => expect(readdirSync(options.data)).toContain('auditor.key'), WAIT);
    stop.abort();
    await end;
    chmodSync(join(options.data, 'auditor.key'), 0o644);
    stop = new AbortController();
    await expect(start(options)).rejects.toMatchObject({ code: 'SECRET_EXPOSED' });
  });
});

describe('parts of networks on the disk of an auditor', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'blindsight-cache-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('are fetched once, checked, and bounded', async () => {
    const { createHash } = await import('node:crypto');
    const contents = [1, 2, 3].map((byte) => new Uint8Array(1000).fill(byte));
    const parts = contents.map((bytes) => ({
      ...{ name: 'constants' as const, bytes: bytes.length },
      sha256: createHash('sha256').update(bytes).digest('hex'),
    }));
    const fetched: number[] = [];
    const fetch = async (sha256: string, offset: number) => {
      const index = parts.findIndex((part) => part.sha256 === sha256);
      fetched.push(index);
      return contents[index]!.subarray(offset, offset + 600);
    };
    const cache = new PartCache(folder, 2000);
    for (const part of [...parts.slice(0, 2), parts[0]!]) await cache.ensure([part], fetch);
    expect(fetched).toEqual([0, 0, 1, 1]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await cache.ensure([parts[2]!], fetch);
    expect(readdirSync(folder)).toHaveLength(2);
    expect(readdirSync(folder)).toContain(parts[2]!.sha256);
    const wrong = { ...parts[0]!, sha256: 'f'.repeat(64) };
    await expect(cache.ensure([wrong], async () => new Uint8Array(1000))).rejects.toMatchObject({
      code: 'BUNDLE_DIGEST',
    });
    expect(readdirSync(folder)).toHaveLength(2);
  });
});
