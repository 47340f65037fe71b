import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '#config/load.ts';
import { BackendConfig } from '#config/schema.ts';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { enrolGateway } from '../operations/enrol-gateway.ts';
import { initializeSite } from '../operations/initialize-site.ts';
import { removeGateway } from '../operations/remove-gateway.ts';
import { renewCertificates } from '../operations/renew-certificates.ts';
import { SiteView } from '../results/site-view.ts';
import { openSite, type Site } from '../site.ts';
import { CertificateWatch } from './certificate-watch.ts';

const DAY_MS = 86_400_000;

describe('certificates of a site', () => {
  let folder: string;
  let site: Site;
  let config: BackendConfig;
  let clock: SimulatedClock;
  let view: SiteView;
  let lines: string[];
  let watch: CertificateWatch;
  const certificate = (file: string) => new X509Certificate(readFileSync(join(folder, file)));
  const endMs = (file: string) => certificate(file).validToDate.getTime();

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'blindsight-ends-'));
    const { configFile } = await initializeSite(join(folder, 'site'), 'yard');
    config = await loadConfig(configFile, BackendConfig);
    site = await openSite(config);
    // As long as those of the site.
    const lasting = { ...site, gatewayCertificateDays: 5 * 365 };
    await enrolGateway({
      ...{ site: lasting, name: 'gate', outDirectory: join(folder, 'gate') },
      brokerUrl: 'mqtts://localhost:8883',
    });
    lines = [];
    clock = new SimulatedClock(endMs('site/certificates/broker.pem') - 31 * DAY_MS);
    view = new SiteView('yard', site.store, clock);
    start();
  });
  afterEach(async () => {
    await site.close();
    rmSync(folder, { recursive: true });
  });

  /** As the backend does at its start. */
  function start(): void {
    const destination = { write: (line: string) => lines.push(line) };
    const log = createLogger({ name: 'test', level: 'info', format: 'json', destination });
    const onLook = view.setEndingCertificates.bind(view);
    watch = new CertificateWatch({ site, config, clock, log, onLook });
  }
  const ending = async () => (await view.snapshot()).endingCertificates;
  const journal = async () =>
    (await site.store.journal.latest(50)).filter(({ code }) => code === 'CERTIFICATE_ENDS');

  it('are told of a month before they end: on the page, in the log each day, in the journal once', async () => {
    await watch.look();
    expect(await ending()).toEqual([]);
    clock.jump(clock.now() + 2 * DAY_MS);
    await watch.look();
    await watch.look();
    const ends = (file: string) => new Date(endMs(file)).toISOString();
    expect(await ending()).toEqual([
      { owner: 'backend', name: 'backend', ends: ends('site/certificates/backend.pem') },
      { owner: 'broker', name: 'broker', ends: ends('site/certificates/broker.pem') },
      { owner: 'gateway', name: 'gate', ends: ends('gate/gateway.pem') },
    ]);
    expect(lines).toHaveLength(3);
    expect(lines[2]).toMatch(
      /"level":"warn".*"code":"CERTIFICATE_ENDS".*the certificate of gateway gate expires on \d{4}-/,
    );
    clock.jump(clock.now() + DAY_MS);
    await watch.look();
    expect(lines).toHaveLength(6);
    start();
    await watch.look();
    expect((await journal()).map(({ subject, level }) => [subject, level])).toEqual([
      ['gate', 'warn'],
      ['broker', 'warn'],
      ['backend', 'warn'],
    ]);
    clock.jump(endMs('gate/gateway.pem') + 1);
    lines = [];
    start();
    await watch.look();
    expect(lines[2]).toContain('the certificate of gateway gate expired on ');
  });

  it('are no longer told of once they are renewed, for the same keys, or their gateway is removed', async () => {
    clock.jump(clock.now() + 2 * DAY_MS);
    await watch.look();
    const files = ['site/certificates/backend.pem', 'site/certificates/broker.pem'];
    const before = files.map(certificate);
    // As if years had passed: it is renewed from the real time, long before this test's clock.
    const renewed = await renewCertificates(site, config);
    expect(renewed.map(({ owner }) => owner)).toEqual(['backend', 'broker']);
    for (const [i, file] of files.entries()) {
      const [old, now] = [before[i]!, certificate(file)];
      expect(now.serialNumber).not.toBe(old.serialNumber);
      expect(now.publicKey.equals(old.publicKey)).toBe(true);
      expect([now.subject, now.issuer, now.subjectAltName]).toEqual([
        old.subject,
        old.issuer,
        old.subjectAltName,
      ]);
      expect(now.validToDate.getTime()).toBeGreaterThanOrEqual(old.validToDate.getTime());
    }
    await removeGateway(site, 'gate');
    expect((await ending()).map(({ owner }) => owner)).toEqual(['backend', 'broker']);
    clock.jump(endMs('site/certificates/broker.pem') - 31 * DAY_MS);
    await watch.look();
    expect(await ending()).toEqual([]);
  });
});
