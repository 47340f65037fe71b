import { spawn } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { makeCertificateRequest } from '#agent/enrolment/make-certificate-request.ts';
import { runAgent } from '#agent/main.ts';
import { Authority, createAuthority } from '#backend/enrolment/authority.ts';
import { noteCertificate } from '#backend/enrolment/note-certificates.ts';
import { openAuthority } from '#backend/enrolment/open-authority.ts';
import { RenewalService } from '#backend/enrolment/renewal-service.ts';
import { runBackend } from '#backend/main.ts';
import { enrolGateway } from '#backend/operations/enrol-gateway.ts';
import { quarantineGateway, releaseGateway } from '#backend/operations/gateways.ts';
import { initializeSite } from '#backend/operations/initialize-site.ts';
import { removeGateway } from '#backend/operations/remove-gateway.ts';
import { openSite, type Site } from '#backend/site.ts';
import { startBroker } from '#broker/main.ts';
import { loadConfig } from '#config/load.ts';
import { AgentConfig, BackendConfig, BrokerConfig } from '#config/schema.ts';
import { RenewalAnswer, type RenewalRequest, renewalDigest, signRenewal } from '#protocol/renewal.ts';
import { gatewayTopics } from '#protocol/topics.ts';
import { systemClock } from '#runtime/clock.ts';
import { createLogger } from '#runtime/log.ts';
import { freePort } from '#runtime/ports.ts';
import { RenewingGateway, writeGateway } from './testing/renewing-gateway.ts';

const DAY_MS = 86_400_000;
const WAIT = { timeout: 120_000 };
const KILLS = Number(process.env.BLINDSIGHT_KILLS ?? 8);
const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blindsight-renew-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('a gateway', () => {
  let authority: Authority;
  let made = 0;
  beforeAll(async () => {
    authority = await createAuthority('Blindsight town');
  });
  async function newGateway(): Promise<string> {
    const place = join(folder, `gateway-${made++}`);
    await writeGateway(place, authority);
    return place;
  }

  it('asks at two thirds of its certificate’s life, takes the answer, and shows it from then on', async () => {
    const place = await newGateway();
    const gateway = await RenewingGateway.open(place);
    await gateway.age(366 / 3 + 1);
    expect(await gateway.linkUp()).toBeNull();
    await gateway.age(366 / 3 - 1);
    const request = (await gateway.linkUp())!;
    const before = gateway.keeper.endMs;
    const issued = await gateway.certify(authority, request, gateway.clock.now());
    await gateway.receive(Uint8Array.of(1), issued);
    expect(gateway.keeper.endMs).toBe(before);
    await gateway.receive(request, issued);
    expect(gateway.keeper.endMs).toBeGreaterThan(before + 200 * DAY_MS);
    expect(gateway.reconnects).toBe(1);
    expect(gateway.keeper.credentials.files.certificate).toBe(join(place, 'certificate/gateway.pem'));
    expect(await gateway.linkUp()).toBeNull();
    const again = await RenewingGateway.open(place);
    expect(again.keeper.endMs).toBe(gateway.keeper.endMs);
    // Enrolled anew, with another key: the renewed certificate of before is not used, and does not stop it.
    await writeGateway(place, authority);
    const anew = await RenewingGateway.open(place);
    expect(anew.keeper.endMs).toBeLessThan(gateway.keeper.endMs);
    expect(anew.lines.join('')).toContain('is not the key of the certificate');
    await writeFile(join(place, 'certificate/gateway.pem'), 'damaged');
    expect((await RenewingGateway.open(place)).keeper.endMs).toBe(anew.keeper.endMs);
  });

  it('asks again, ever more rarely, where the site does not answer, and no more once it has', async () => {
    const gateway = await RenewingGateway.open(await newGateway());
    await gateway.age(100);
    const stop = new AbortController();
    const running = gateway.keeper.run(stop.signal);
    const pass = async (minutes: number) => {
      for (let turn = 0; turn < 6 * minutes; turn++) {
        await gateway.clock.advance(10_000);
        await new Promise((resolve) => setImmediate(resolve));
      }
      // What is asked is made and signed in threads.
      await expect.poll(() => gateway.requests.length, WAIT).toBeGreaterThan(0);
    };
    await pass(2);
    await expect.poll(() => gateway.requests.length, WAIT).toBeGreaterThanOrEqual(2);
    await pass(50);
    await gateway.settled();
    const asked = gateway.requests.length;
    expect(asked).toBeLessThan(10);
    const request = gateway.requests.at(-1)!;
    await gateway.receive(request, await gateway.certify(authority, request, gateway.clock.now()));
    expect(gateway.reconnects).toBe(1);
    const answered = gateway.requests.length;
    await pass(120);
    await gateway.settled();
    expect(gateway.requests).toHaveLength(answered);
    stop.abort();
    await running;
  });

  it('takes nothing that is of another authority, name, key or kind, shorter, or not yet valid', async () => {
    const place = await newGateway();
    const gateway = await RenewingGateway.open(place);
    await gateway.age(100);
    const { certificate } = gateway.keeper.credentials;
    const now = gateway.clock.now();
    const pem = certificate.toString();
    const renew = (by: Authority, more: object = {}) =>
      by.renew({ kind: 'gateway', commonName: 'gate-1', certificate: pem, days: 365, fromMs: now, ...more });
    const twin = new Authority(authority.certificate, (await createAuthority('Blindsight town')).key);
    const bad = [
      await renew(twin),
      await renew(authority, { commonName: 'gate-2' }),
      await renew(authority, { commonName: 'broker', kind: 'broker' }),
      await renew(authority, { days: 20 }),
      await renew(authority, { fromMs: now + 5 * DAY_MS }),
      (await authority.issue({ kind: 'gateway', commonName: 'gate-1', days: 365, fromMs: now })).certificate,
      authority.certificate,
      'nothing',
      '',
    ];
    for (const one of bad) await gateway.receive((await gateway.linkUp())!, one);
    await gateway.receive((await gateway.linkUp())!, null, {
      code: 'RENEWAL_REFUSED',
      message: 'no\u001b[31m',
    });
    expect(gateway.keeper.credentials.certificate).toBe(certificate);
    expect(existsSync(join(place, 'certificate/gateway.pem'))).toBe(false);
    expect(gateway.reconnects).toBe(0);
    expect(gateway.lines.join('')).toContain('does not renew the certificate of this gateway: no?[31m');
    await gateway.receive((await gateway.linkUp())!, await renew(authority));
    expect(gateway.reconnects).toBe(1);
  });

  it('that is killed at any moment of a renewal has a certificate that fits its key, and none older than it has shown', async () => {
    const place = await newGateway();
    await writeFile(join(place, 'ca.key'), authority.key, { mode: 0o600 });
    let shown = 0;
    let renewals = 0;
    for (let i = 0; i < KILLS; i++) {
      const child = spawn(process.execPath, [join(import.meta.dirname, 'testing/renewal-child.ts'), place], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let said = '';
      const wanted = 1 + (i % 4);
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        if (said.split('\n').length > wanted) setTimeout(() => child.kill('SIGKILL'), (i * 7) % 23);
      });
      await once(child, 'close');
      const ends = said.split('\n').filter(Boolean).map(Number);
      expect(Math.min(...ends)).toBeGreaterThanOrEqual(shown);
      shown = ends.at(-1)!;
      renewals += ends.length - 1;
      // Throws where certificate and key do not fit.
      const { keeper } = await RenewingGateway.open(place);
      expect(keeper.endMs).toBeGreaterThanOrEqual(shown);
      const [key, own] = [await readFile(join(place, 'gateway.key')), keeper.credentials.certificate];
      expect(new X509Certificate(own).checkPrivateKey(createPrivateKey(key))).toBe(true);
    }
    expect(renewals).toBeGreaterThan(KILLS / 2);
  });
});

describe('the site', () => {
  let site: Site;
  let authority: Authority;
  let brokerPort: number;
  const place = () => join(folder, 'site');

  beforeAll(async () => {
    brokerPort = await freePort(0);
    const { configFile } = await initializeSite(place(), 'yard', {
      brokerPort,
      apiPort: await freePort(0),
    });
    site = await openSite(await loadConfig(configFile, BackendConfig));
    authority = await openAuthority(site.store, site.vault);
  });
  afterAll(() => site.close());

  /** Enrols a gateway, and gives it a certificate of so many days ago. */
  async function enrol(
    name: string,
    days: number,
  ): Promise<{ out: string; signingKey: KeyObject; tls: KeyObject }> {
    const out = join(folder, name);
    await enrolGateway({ site, name, outDirectory: out, brokerUrl: `mqtts://localhost:${brokerPort}` });
    const certificate = await authority.renew({
      ...{ kind: 'gateway', commonName: name, days: 365, fromMs: Date.now() - days * DAY_MS },
      certificate: await readFile(join(out, 'gateway.pem'), 'utf8'),
    });
    await writeFile(join(out, 'gateway.pem'), certificate);
    await noteCertificate(site, 'gateway', name, certificate);
    const { serialNumber, validToDate } = new X509Certificate(certificate);
    await site.store.gateways.setCertificate(name, serialNumber, validToDate.getTime());
    const key = async (file: string) => createPrivateKey(await readFile(join(out, file)));
    return { out, signingKey: await key('signing.key'), tls: await key('gateway.key') };
  }

  it('renews the certificate of a running gateway, which shows it without anybody’s help, also after a restart', async () => {
    const { out } = await enrol('gate-1', 300);
    const before = (await site.store.gateways.get('gate-1'))!;
    const configured = await readFile(join(out, 'gateway.pem'), 'utf8');
    const broker = await startBroker({
      config: await loadConfig(join(place(), 'broker.yaml'), BrokerConfig),
      log,
    });
    const config = await loadConfig(join(place(), 'backend.yaml'), BackendConfig);
    const backend = await runBackend({ config, log, signal: new AbortController().signal });
    const agentConfig = { ...(await loadConfig(join(out, 'agent.yaml'), AgentConfig)) };
    const run = () => {
      const stop = new AbortController();
      const lines: string[] = [];
      const destination = { write: (line: string) => void lines.push(line) };
      const noisy = createLogger({ name: 'agent', level: 'info', format: 'json', destination });
      const running = runAgent({ config: agentConfig, log: noisy, signal: stop.signal });
      return {
        lines,
        stop: () => {
          stop.abort();
          return running;
        },
      };
    };
    try {
      const agent = run();
      // The store knows once the gateway has come back with the new one.
      await vi.waitFor(
        async () =>
          expect((await site.store.gateways.get('gate-1'))!.certificateEndMs).toBeGreaterThan(
            before.certificateEndMs,
          ),
        WAIT,
      );
      await agent.stop();
      const renewed = new X509Certificate(await readFile(join(out, 'data/certificate/gateway.pem')));
      expect((await site.store.gateways.get('gate-1'))!.certificateSerial).toBe(renewed.serialNumber);
      expect(renewed.validToDate.getTime()).toBeGreaterThan(Date.now() + 360 * DAY_MS);
      expect(await readFile(join(out, 'gateway.pem'), 'utf8')).toBe(configured);
      const codes = (await site.store.journal.latest(20)).map(({ code }) => code);
      expect(codes).toContain('CERTIFICATE_RENEWED');
      // The one before is not revoked: the broker cut nobody off.
      expect((await site.store.certificates.get(before.certificateSerial))!.revokedMs).toBeNull();
      const again = run();
      await vi.waitFor(() => expect(again.lines.join('')).toContain('link up'), WAIT);
      await again.stop();
      expect(again.lines.join('')).not.toContain('CERTIFICATE_RENEWED');
      expect(
        await site.store.certificates.issuedSince('gateway', 'gate-1', Date.now() - DAY_MS),
      ).toHaveLength(2);
    } finally {
      await backend.close();
      await broker.close();
    }
  });

  it('refuses whatever is not the gateway’s own, and says why; nothing is issued', async () => {
    const { out, signingKey, tls } = await enrol('gate-2', 300);
    const other = await enrol('gate-3', 300);
    const answers: RenewalAnswer[] = [];
    const service = new RenewalService({
      site,
      link: {
        publish: async (topic, payload) => {
          expect(topic).toBe(gatewayTopics('yard', 'gate-2').certificateIssued);
          answers.push(RenewalAnswer.parse(JSON.parse(String(payload))));
        },
      },
      // Each minute allows thirty.
      clock: { ...systemClock, monotonic: () => asked++ * 60_000 },
      log,
    });
    let asked = 0;
    const ask = async (wire: Uint8Array): Promise<RenewalAnswer> => {
      const info = { retain: false, dup: false, qos: 1 } as const;
      service.receive(gatewayTopics('yard', 'gate-2').certificateRequest, wire, info);
      await service.idle();
      const answer = answers.at(-1)!;
      expect(answer.request).toBe(renewalDigest(wire));
      return answer;
    };
    const own = new Uint8Array(new X509Certificate(await readFile(join(out, 'gateway.pem'))).raw);
    const fresh = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const foreign = await (await createAuthority('Blindsight yard')).issue({
      kind: 'gateway',
      commonName: 'gate-2',
      days: 1,
    });
    const request = (more: Partial<RenewalRequest> = {}, key = signingKey) =>
      signRenewal(
        {
          schema: 1,
          site: 'yard',
          gateway: 'gate-2',
          certificate: own,
          certificateRequest: makeCertificateRequest('gate-2', tls),
          ...more,
        },
        key,
      );
    const of = async (gateway: { out: string }) =>
      new Uint8Array(new X509Certificate(await readFile(join(gateway.out, 'gateway.pem'))).raw);
    const issuedBefore = (await site.store.certificates.list()).length;
    const refuse = async (wire: Uint8Array, code: string) => {
      const { certificate, error } = await ask(wire);
      expect([certificate, error?.code]).toEqual([null, code]);
      expect(error!.message.length).toBeGreaterThan(20);
      expect((await site.store.certificates.list()).length).toBe(issuedBefore);
    };
    await refuse(request({}, other.signingKey), 'ENROLMENT_INVALID');
    await refuse(request({ gateway: 'gate-3' }), 'ENROLMENT_NAME');
    await refuse(request({ site: 'town' }), 'ENROLMENT_NAME');
    await refuse(request({ certificateRequest: makeCertificateRequest('gate-3', tls) }), 'ENROLMENT_NAME');
    await refuse(request({ certificateRequest: makeCertificateRequest('gate-2', fresh) }), 'RENEWAL_REFUSED');
    await refuse(request({ certificate: await of(other) }), 'RENEWAL_REFUSED');
    await refuse(
      request({ certificate: new Uint8Array(new X509Certificate(foreign.certificate).raw) }),
      'RENEWAL_REFUSED',
    );
    await refuse(request({ certificate: own.subarray(1) }), 'ENROLMENT_INVALID');
    const good = request();
    for (let i = 0; i < good.length; i += 41) {
      const damaged = Uint8Array.from(good);
      damaged[i]! ^= 4;
      await refuse(damaged, 'ENROLMENT_INVALID');
    }
    await refuse(new Uint8Array(20_000), 'ENROLMENT_INVALID');
    const young = await authority.renew({
      ...{ kind: 'gateway', commonName: 'gate-2', days: 365 },
      certificate: await readFile(join(out, 'gateway.pem'), 'utf8'),
    });
    await refuse(request({ certificate: new Uint8Array(new X509Certificate(young).raw) }), 'RENEWAL_REFUSED');
    await quarantineGateway(site, 'gate-2', 'box found open');
    await refuse(good, 'RENEWAL_REFUSED');
    await releaseGateway(site, 'gate-2');
    // Six a day, of which its enrolment was one.
    for (let i = 0; i < 5; i++) expect((await ask(request())).certificate).toContain('BEGIN CERTIFICATE');
    expect((await ask(request())).error?.code).toBe('RENEWAL_EARLY');
    const [newest] = (await site.store.certificates.list()).filter(({ name }) => name === 'gate-2').slice(-1);
    await site.store.certificates.revoke(new X509Certificate(own).serialNumber, 1);
    expect((await ask(good)).error).toMatchObject({
      code: 'RENEWAL_REFUSED',
      message: expect.stringContaining('was revoked'),
    });
    expect(newest!.revokedMs).toBeNull();
    await removeGateway(site, 'gate-2');
    expect((await ask(good)).error?.code).toBe('RENEWAL_REFUSED');
  });
});
