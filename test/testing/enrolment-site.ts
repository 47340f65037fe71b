import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { carryConfiguration } from '#backend/configuration/push-configuration.ts';
import { EnrolmentServer } from '#backend/enrolment/enrolment-server.ts';
import { acceptInvited } from '#backend/operations/accept-enrolment.ts';
import { initializeSite } from '#backend/operations/initialize-site.ts';
import { inviteGateway } from '#backend/operations/invite-gateway.ts';
import { openSite, type Site } from '#backend/site.ts';
import type { Store } from '#backend/store/store.ts';
import { loadConfig } from '#config/load.ts';
import { BackendConfig } from '#config/schema.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import { createLogger } from '#runtime/log.ts';

/** A site in a temporary folder that enrols gateways on a port of its own. */
export class EnrolmentSite {
  static readonly brokerUrl = 'mqtts://localhost:18883';
  readonly site: Site;
  readonly config: BackendConfig;
  readonly folder: string;
  /** What the server has logged. */
  readonly lines: string[] = [];
  /** Requests wait for it. */
  delay: Promise<unknown> = Promise.resolve();
  readonly #stop = new AbortController();
  readonly #server: EnrolmentServer;
  readonly #serving: Promise<void>;
  #folders = 0;

  private constructor(folder: string, config: BackendConfig, site: Site) {
    this.folder = folder;
    this.config = config;
    this.site = site;
    const destination = { write: (line: string) => void this.lines.push(line) };
    this.#server = new EnrolmentServer({
      site,
      config,
      settings: { host: '127.0.0.1', port: 0 },
      accept: async (wire) => {
        await this.delay;
        const carry = (store: Store, gateway: string) => carryConfiguration({ ...site, store }, gateway);
        return acceptInvited({ site, wire, brokerUrl: EnrolmentSite.brokerUrl, carry });
      },
      requestMs: 4_000,
      clock: systemClock,
      log: createLogger({ name: 'backend', level: 'debug', format: 'json', destination }),
    });
    this.#serving = this.#server.run(this.#stop.signal);
  }

  static async open(): Promise<EnrolmentSite> {
    const folder = await mkdtemp(join(tmpdir(), 'blindsight-enrol-'));
    const { configFile } = await initializeSite(join(folder, 'site'), 'plaza', { enrolmentPort: 8481 });
    const config = await loadConfig(configFile, BackendConfig);
    const made = new EnrolmentSite(folder, config, await openSite(config));
    await vi.waitFor(() => expect(made.#server.port).not.toBeNull(), { timeout: 60_000 });
    return made;
  }

  get port(): number {
    return this.#server.port!;
  }

  /** An invitation that names the port of the server. */
  async invite(
    gateway: string,
    more: { replaces?: boolean; hours?: number; clock?: Clock } = {},
  ): Promise<string> {
    const { site, config, port } = this;
    return (await inviteGateway({ site, config, gateway, address: `localhost:${port}`, ...more })).token;
  }

  /** A folder that does not exist yet. */
  newFolder(): string {
    return join(this.folder, `gateway-${this.#folders++}`);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#serving;
    await this.site.close();
    await rm(this.folder, { recursive: true });
  }
}
