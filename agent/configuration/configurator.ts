import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { type AgentConfig, PushedSettings } from '#config/schema.ts';
import type { Configuration } from '#protocol/configuration.ts';
import { BlindsightError } from '#protocol/errors.ts';
import type { EventCode } from '#protocol/events.ts';
import type { LogEvent, ReportedConfiguration } from '#protocol/messages.ts';
import type { Clock } from '#runtime/clock.ts';
import { ensureDirectory } from '#runtime/files.ts';
import type { Logger } from '#runtime/log.ts';
import { authenticate, type ConfigurationReader, checkConfiguration } from './check-configuration.ts';
import { type ConfigurationState, ConfigurationStateFile } from './state-file.ts';
import { VersionStore } from './version-store.ts';

export type ConfiguratorOptions = {
  readonly reader: ConfigurationReader;
  /** What agent.yaml says. */
  readonly file: AgentConfig;
  readonly clock: Clock;
  readonly log: Logger;
};

/** What a configurator asks of the gateway around it. */
export type ConfiguratorHost = {
  /** Makes settings those that run. @throws Error where they cannot. */
  readonly apply: (config: AgentConfig) => Promise<void>;
  /** Says what was reported, and whether the broker has it. */
  readonly proveLink: () => Promise<boolean>;
  readonly onReport: () => void;
  readonly onEvent: (
    level: LogEvent['level'],
    code: EventCode | BlindsightError['code'],
    message: string,
  ) => void;
};

type Told = ConfigurationState['told'];

/** How long new settings may be given up: without a link after this time, or when the process dies twice within it. */
export const TRIAL_MS = 60_000;
const DEATHS = 2;
const PROVE_MS = 1_000;

/** The part of agent.yaml that can be pushed, as one number: it changes when somebody edits the file. */
function digestOf(config: AgentConfig): string {
  const settings = PushedSettings.parse(pushedPart(config));
  return createHash('sha256').update(JSON.stringify(settings)).digest('hex');
}

function pushedPart({
  site,
  gateway,
  data,
  broker,
  identity,
  configuration,
  ...settings
}: AgentConfig): PushedSettings {
  return settings;
}

/**
 * Takes settings from afar: checks, keeps and applies the newest, tells what became of them, and goes back by itself where they do harm. At every
 * instant the state file names settings that are whole on disk.
 */
export class Configurator {
  readonly #options: ConfiguratorOptions;
  readonly #versions: VersionStore;
  readonly #state: ConfigurationStateFile;
  #file: AgentConfig;
  #config: AgentConfig;
  #host: ConfiguratorHost | null = null;
  #trial = new AbortController();
  /** One after the other: what comes while another is on trial ends that trial first. */
  #work: Promise<void> = Promise.resolve();
  #closed = false;

  private constructor(options: ConfiguratorOptions, state: ConfigurationStateFile, versions: VersionStore) {
    this.#options = options;
    this.#state = state;
    this.#versions = versions;
    this.#file = options.file;
    this.#config = options.file;
  }

  /** Reads what is on disk and decides what runs; a version that ended the process twice does not run again. */
  static async open(options: ConfiguratorOptions): Promise<Configurator> {
    const directory = join(options.file.data, 'configuration');
    await ensureDirectory(directory);
    const versions = new VersionStore(directory);
    const state = await ConfigurationStateFile.open(join(directory, 'state.json'), () => versions.highest());
    const configurator = new Configurator(options, state, versions);
    await configurator.#begin();
    return configurator;
  }

  /** The settings that run. */
  get config(): AgentConfig {
    return this.#config;
  }

  get report(): ReportedConfiguration {
    const { told, running } = this.#state.current;
    return { ...told, running, drift: this.#isEdited };
  }

  /** Joins it with the gateway; a trial that a restart has cut goes on. */
  connect(host: ConfiguratorHost): void {
    this.#host = host;
    if (this.#state.current.trial !== null) void this.#queue(() => this.#startTrial());
  }

  /** What came on `desired`; an empty message is none. */
  receive(wire: Uint8Array): void {
    if (wire.length > 0) void this.#queue(() => this.#receive(wire));
  }

  /** agent.yaml was read again. */
  reload(file: AgentConfig): Promise<void> {
    return this.#queue(async () => {
      this.#file = file;
      await this.#settleEdit();
      await this.#load();
      await this.#host?.apply(this.#config);
      this.#host?.onReport();
    });
  }

  /** Ends the wait of a trial, which the next start takes up. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#trial.abort();
    await this.#work;
  }

  async #begin(): Promise<void> {
    const { trial, running } = this.#state.current;
    if (trial !== null) {
      const starts = trial.starts + 1;
      if (starts >= DEATHS)
        await this.#giveUp(
          'CONFIGURATION_DEATHS',
          `the gateway ended ${starts} times while it tried version ${running}`,
        );
      else await this.#state.update({ trial: { starts } });
    }
    await this.#settleEdit();
    await this.#load();
  }

  get #isEdited(): boolean {
    const { running, fileDigest } = this.#state.current;
    return running > 0 && fileDigest !== null && fileDigest !== digestOf(this.#file);
  }

  /** Where the file wins over what was pushed, an edit ends the pushed configuration. */
  async #settleEdit(): Promise<void> {
    if (!this.#isEdited || this.#file.configuration.onEdit === 'pushed') return;
    const { running } = this.#state.current;
    await this.#state.update({
      running: 0,
      previous: 0,
      trial: null,
      told: this.#tell('reverted', running, {
        code: 'CONFIGURATION_EDITED',
        message: 'agent.yaml was edited on the gateway, and is what holds there',
      }),
    });
  }

  /** Sets the settings that the state names; where they are damaged those before them, and the file at last. */
  async #load(): Promise<void> {
    const { running } = this.#state.current;
    if (running === 0) {
      this.#config = this.#file;
      return;
    }
    try {
      const settings = await this.#versions.read(running, this.#file.data);
      this.#config = { ...this.#file, ...settings };
    } catch (error) {
      await this.#giveUp(
        'CONFIGURATION_LOST',
        `version ${running} cannot be read: ${(error as Error).message}`,
      );
      await this.#load();
    }
  }

  async #receive(wire: Uint8Array): Promise<void> {
    const { reader, log } = this.#options;
    let configuration: Configuration;
    try {
      configuration = authenticate(wire, reader);
    } catch (error) {
      if (!(error instanceof BlindsightError)) throw error;
      // Nobody knows whose it is: it changes nothing, not even what is reported.
      log.warn({ err: error }, 'a configuration was left');
      this.#host?.onEvent('warn', error.code, error.message);
      return;
    }
    const { version } = configuration;
    const { highest } = this.#state.current;
    // Retained, so the newest one comes again on each connection.
    if (version === highest) return;
    if (version < highest) {
      this.#host?.onEvent('warn', 'CONFIGURATION_OLD', `version ${version} came after version ${highest}`);
      return;
    }
    try {
      await this.#versions.add(await checkConfiguration(configuration, reader));
    } catch (error) {
      const { code, message } = describe(error);
      await this.#state.update({
        highest: version,
        told: this.#tell('rejected', version, { code, message }),
      });
      this.#say('warn', 'CONFIGURATION_REJECTED', `version ${version}: ${message} (${code})`);
      return;
    }
    await this.#adopt(version);
  }

  /** From here on a power cut leaves the new settings, on trial. */
  async #adopt(version: number): Promise<void> {
    this.#trial.abort();
    const settings = await this.#versions.read(version, this.#file.data);
    const { running, trial, previous } = this.#state.current;
    await this.#state.update({
      highest: version,
      running: version,
      // What is on trial itself is not what to go back to.
      previous: trial === null ? running : previous,
      trial: { starts: 0 },
      fileDigest: digestOf(this.#file),
      told: this.#tell('received', version, null),
    });
    this.#config = { ...this.#file, ...settings };
    this.#host?.onReport();
    try {
      await this.#host?.apply(this.#config);
    } catch (error) {
      const { code, message } = describe(error);
      return await this.#revert(code, `version ${version} could not be applied: ${message}`);
    }
    this.#startTrial();
  }

  #startTrial(): void {
    this.#trial.abort();
    this.#trial = new AbortController();
    const { signal } = this.#trial;
    void this.#try(signal).catch((error: unknown) => {
      if (!signal.aborted) this.#options.log.error({ err: error }, 'a configuration could not be tried');
    });
  }

  /** `applied` as soon as the broker heard of it; given up where it does not in time; for good at the end of the time. */
  async #try(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const end = clock.monotonic() + TRIAL_MS;
    const { running } = this.#state.current;
    const inTurn = (act: () => Promise<void>) =>
      this.#queue(() => (signal.aborted ? Promise.resolve() : act()));
    while (!(await this.#host?.proveLink())) {
      if (clock.monotonic() >= end) {
        const message = `version ${running}: no connection to the broker within ${TRIAL_MS / 1000} s`;
        return inTurn(() => this.#revert('CONFIGURATION_NO_LINK', message));
      }
      await clock.sleep(PROVE_MS, signal);
    }
    await inTurn(() => this.#applied(running));
    await clock.sleep(Math.max(0, end - clock.monotonic()), signal);
    await inTurn(async () => {
      await this.#state.update({ trial: null });
      await this.#versions.keep([running, this.#state.current.previous]);
    });
  }

  async #applied(version: number): Promise<void> {
    if (this.#state.current.told.status !== 'received') return;
    await this.#state.update({ told: this.#tell('applied', version, null) });
    this.#options.log.info({ version }, 'a pushed configuration runs');
    this.#say('info', 'CONFIGURATION_APPLIED', `version ${version} runs`);
  }

  /** Back to what ran before; the settings that run are those when this resolves. */
  async #revert(code: BlindsightError['code'], message: string): Promise<void> {
    await this.#giveUp(code, message);
    await this.#load();
    await this.#host?.apply(this.#config);
    this.#say('error', 'CONFIGURATION_REVERTED', `${message} (${code})`);
  }

  async #giveUp(code: BlindsightError['code'], message: string): Promise<void> {
    const { running, previous } = this.#state.current;
    this.#options.log.error({ version: running, code }, `a pushed configuration is given up: ${message}`);
    await this.#state.update({
      running: previous === running ? 0 : previous,
      previous: 0,
      trial: null,
      told: this.#tell('reverted', running, { code, message }),
    });
  }

  #tell(status: Told['status'], version: number, error: Told['error']): Told {
    return { status, version, since: new Date(this.#options.clock.now()).toISOString(), error };
  }

  #say(level: LogEvent['level'], code: EventCode, message: string): void {
    this.#host?.onReport();
    this.#host?.onEvent(level, code, message);
  }

  #queue(act: () => void | Promise<void>): Promise<void> {
    this.#work = this.#work
      .then(async () => {
        if (!this.#closed) await act();
      })
      .catch((error: unknown) => {
        this.#options.log.error({ err: error }, 'a configuration could not be dealt with');
      });
    return this.#work;
  }
}

function describe(error: unknown): { readonly code: BlindsightError['code']; readonly message: string } {
  if (error instanceof BlindsightError) return { code: error.code, message: error.message };
  return { code: 'CONFIGURATION_FAILED', message: error instanceof Error ? error.message : String(error) };
}
