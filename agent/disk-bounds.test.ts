import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AgentConfig } from '#config/schema.ts';
import { CONTENT_MAX_BYTES } from '#protocol/command-answer.ts';
import { SETTINGS_MAX_BYTES, signConfiguration } from '#protocol/configuration.ts';
import { createLogger } from '#runtime/log.ts';
import { RecentLines } from '#runtime/recent-lines.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { CommandJournal } from './command/command-journal.ts';
import { folderSizes } from './command/folder-sizes.ts';
import { LogFile } from './command/log-file.ts';
import { Configurator } from './configuration/configurator.ts';
import { diskBounds } from './disk-bounds.ts';
import { Outbox } from './outbox/outbox.ts';
import { outboxBounds } from './outbox/outbox-bounds.ts';
import { until } from './testing/until.ts';

const log = createLogger({ name: 'agent', level: 'error', format: 'json', destination: { write: () => {} } });
const owner = generateKeyPairSync('ed25519');

describe('what a gateway keeps on its disk', () => {
  let data: string;
  let clock: SimulatedClock;
  let config: AgentConfig;

  beforeEach(async () => {
    data = await mkdtemp(join(tmpdir(), 'blindsight-bounds-'));
    clock = new SimulatedClock();
    config = AgentConfig.parse({
      ...{ site: 'town', gateway: 'gate-1', data },
      broker: { url: 'mqtts://b:1', ca: 'a', certificate: 'c', key: 'k' },
      identity: { signingKey: 's', ownerKey: 'o' },
      outbox: { maxMegabytes: 2 },
    });
  });
  afterEach(() => rm(data, { recursive: true }));

  async function fillOutbox(): Promise<void> {
    const outbox = await Outbox.open({
      directory: join(data, 'outbox'),
      ...outboxBounds(config),
      clock,
      log,
    });
    for (let sequence = 1; sequence <= 40; sequence++)
      await outbox.append({
        ...{ session: 1, sequence, camera: 'door', historical: false, wire: randomBytes(130_000) },
      });
  }

  async function fillLog(): Promise<void> {
    const recent = new RecentLines();
    const file = await LogFile.open(join(data, 'log'), recent);
    const logger = createLogger({
      ...{ name: 'agent', level: 'info', format: 'json', destination: { write: () => {} }, recent },
    });
    for (let i = 0; i < 5_000; i++) logger.info({ number: i }, '€'.repeat(400));
    logger.info('€'.repeat(3_000_000));
    file.close();
  }

  async function fillCommands(): Promise<void> {
    const journal = await CommandJournal.open(join(data, 'commands'), clock);
    const bytes = randomBytes(CONTENT_MAX_BYTES);
    for (let i = 0; i < 8; i++) {
      const id = randomBytes(16).toString('hex');
      await journal.begin({ id, type: 'diagnostics', expiresMs: clock.now() + 60_000 });
      const content = { mediaType: 'application/gzip', bytes: new Uint8Array(bytes) };
      await journal.answer(id, { status: 'done', code: null, message: '', content });
    }
  }

  async function fillConfigurations(): Promise<void> {
    const ownerKeys = () => [owner.publicKey];
    const reader = { site: 'town', gateway: 'gate-1', ownerKeys, sealingKey: null };
    const configurator = await Configurator.open({ reader, file: config, clock, log });
    configurator.connect({
      ...{ apply: async () => {}, proveLink: async () => true, onReport: () => {}, onEvent: () => {} },
    });
    for (let version = 1; version <= 6; version++) {
      const text = `healthSeconds: ${version + 1}\n#`;
      const settings = text + 'x'.repeat(SETTINGS_MAX_BYTES - text.length);
      configurator.receive(
        signConfiguration(
          {
            ...{ schema: 1, site: 'town', gateway: 'gate-1', version, createdMs: version, settings },
            credentials: [],
          },
          owner.privateKey,
        ),
      );
      await until(`version ${version}`, () => {
        const { report } = configurator;
        return report.version === version && report.status === 'applied';
      });
    }
    await configurator.close();
  }

  it.each([
    ['outbox', fillOutbox],
    ['log', fillLog],
    ['commands', fillCommands],
    ['configuration', fillConfigurations],
  ])('is bounded, however much comes: %s', async (name, fill) => {
    await fill();
    const { bytes } = (await folderSizes(data)).find((one) => one.name === name)!;
    const { maxBytes } = diskBounds(config).find((bound) => bound.name === name)!;
    expect(bytes).toBeLessThanOrEqual(maxBytes);
    // Otherwise nothing was filled.
    expect(bytes).toBeGreaterThan(maxBytes / 8);
  });

  it('stands in the manual, each part of it', async () => {
    const manual = await readFile(new URL('../docs/operations.md', import.meta.url), 'utf8');
    for (const { name } of diskBounds(config)) expect(manual).toContain(`\`${name}\``);
  });
});
