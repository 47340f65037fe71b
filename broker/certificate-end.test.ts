import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createAuthority } from '#backend/enrolment/authority.ts';
import { BrokerConfig } from '#config/schema.ts';
import { describeNearEnd } from '#runtime/certificate-end.ts';
import { createLogger } from '#runtime/log.ts';
import { startBroker } from './main.ts';

it.each([
  [20, 1],
  [40, 0],
])('a broker whose certificate ends in %i days says so %i times', async (days, times) => {
  const folder = mkdtempSync(join(tmpdir(), 'blindsight-end-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = (name: string) => join(folder, name);
  const authority = await createAuthority();
  const { certificate, key } = await authority.issue({ kind: 'broker', commonName: 'broker', days });
  writeFileSync(path('ca.pem'), authority.certificate);
  writeFileSync(path('broker.pem'), certificate);
  writeFileSync(path('broker.key'), key, { mode: 0o600 });
  const lines: string[] = [];
  const destination = { write: (line: string) => lines.push(line) };
  const broker = await startBroker({
    config: BrokerConfig.parse({
      ...{ site: 'yard', port: 0, data: path('data') },
      ...{ ca: path('ca.pem'), certificate: path('broker.pem'), key: path('broker.key') },
    }),
    log: createLogger({ name: 'broker', level: 'info', format: 'json', destination }),
  });
  onTestFinished(() => broker.close());
  const said = lines.filter((line) => line.includes('"code":"CERTIFICATE_ENDS"'));
  expect(said).toHaveLength(times);
  for (const line of said)
    expect(line).toMatch(/"level":"warn".*broker\.pem expires on \S+ \S+ UTC, in \d+ days/);
});

it('the end of a certificate is said within a month before it, and neither sooner nor later', async () => {
  const authority = await createAuthority();
  const { certificate } = await authority.issue({ kind: 'broker', commonName: 'broker', days: 100 });
  const day = 86_400_000;
  const said = (days: number) => describeNearEnd(certificate, 'a.pem', Date.now() + days * day);
  expect(said(60)).toBeNull();
  expect(said(72)).toMatch(/^a\.pem expires on .*, in (2[789]) days: from then on it cannot be used/);
  expect(said(102)).toBeNull();
  expect(describeNearEnd('no certificate', 'a.pem', 0)).toBeNull();
});
