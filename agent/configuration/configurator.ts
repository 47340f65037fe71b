import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { AgentConfig } from '#config/schema.ts';
import type { Configuration } from '#protocol/configuration.ts';
import { BlindsightError } from '#protocol/errors.ts';
import type { EventCode } from '#protocol/events.ts';
import type { LogEvent, ReportedConfiguration } from '#protocol/messages.ts';
import type { Clock } from '#runtime/clock.ts';
import { isDiskFull } from '#runtime/disk-full.ts';
import { ensureDirectory } from '#runtime/files.ts';
import { LaidOutNumber } from '#runtime/laid-out-number.ts';
import type { Logger } from '#runtime/log.ts';
import { authenticate, type ConfigurationReader, checkConfiguration } from './check-configuration.ts';
import { pushedPart, settingsDigest } from './settings-digest.ts';
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
/** Characters of a reason that are reported; a message that the broker finds too long would cut the link for ever. */
const MAX_REASON = 4_000;
const MAX_EARLIER_REASON = 500;

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
  /** What was refused for want of trust: it has another turn when that changes. */
  #left: Uint8Array | null = null;

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
    const counters = join(options.file.data, 'counters');
    await ensureDirectory(counters);
    const floor = await LaidOutNumber.open(join(counters, 'configuration'), () => Promise.resolve(0));
    const state = await ConfigurationStateFile.open(
      join(directory, 'state.json'),
      () => versions.highest(),
      floor,
    );
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

  /** Owner keys or counters are other ones now: what was refused for them has another turn, and what runs must still be signed. */
  trustChanged(): void {
    void this.#queue(async () => {
      const left = this.#left;
      this.#left = null;
      if (left !== null) await this.#receive(left);
      await this.#vouchAgain();
    });
  }

  /** agent.yaml was read again. @throws Error where its settings cannot be applied; what ran before runs on */
  async reload(file: AgentConfig): Promise<void> {
    let failure: unknown = null;
    await this.#queue(async () => {
      await this.#reload(file).catch((error: unknown) => {
        failure = error;
      });
    });
    if (failure !== null) throw failure;
  }

  /** Ends the wait of a trial, which the next start takes up; from the call on, what fails fails because everything ends, and is no reason to go back. */
  async close(): Promise<void> {
    if (this.#closed) return this.#work;
    this.#closed = true;
    this.#trial.abort();
    await this.#work;
    // An end in peace is no death that its settings could have caused.
    const { trial } = this.#state.current;
    if (trial !== null && trial.starts > 0)
      await this.#note({ trial: { ...trial, starts: trial.starts - 1 } });
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
      else await this.#note({ trial: { ...trial, starts } });
    }
    await this.#settleEdit();
    await this.#load();
    if (!this.#state.isSaved) await this.#note({});
    await this.#tidy();
  }

  async #reload(file: AgentConfig): Promise<void> {
    const former = { file: this.#file, config: this.#config };
    this.#file = file;
    const isFile = this.#state.current.running === 0 || this.#editWins;
    this.#config = isFile ? file : { ...file, ...pushedPart(former.config) };
    try {
      await this.#host?.apply(this.#config);
    } catch (error) {
      this.#file = former.file;
      this.#config = former.config;
      if (!this.#closed) await this.#applyAgain();
      throw error;
    }
    await this.#settleEdit();
    await this.#tidy();
    this.#host?.onReport();
  }

  get #isEdited(): boolean {
    const { running, fileDigest } = this.#state.current;
    return running > 0 && fileDigest !== null && fileDigest !== settingsDigest(this.#file);
  }

  get #editWins(): boolean {
    return this.#isEdited && this.#file.configuration.onEdit === 'file';
  }

  /** Where the file wins over what was pushed, an edit ends the pushed configuration. */
  async #settleEdit(): Promise<void> {
    if (!this.#editWins) return;
    this.#trial.abort();
    const { running } = this.#state.current;
    await this.#note({
      running: 0,
      previous: 0,
      safe: null,
      trial: null,
      told: this.#tellReverted(running, {
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
      await this.#vouch(running);
      const settings = await this.#versions.read(running, this.#file.data);
      this.#config = { ...this.#file, ...settings };
    } catch (error) {
      const isForeign = error instanceof BlindsightError && error.code === 'CONFIGURATION_FOREIGN';
      await this.#giveUp(
        isForeign ? error.code : 'CONFIGURATION_LOST',
        `version ${running} cannot be read: ${(error as Error).message}`,
      );
      await this.#load();
    }
  }

  /** @throws where what lies on the disk of a version is not what the owner signed for this gateway. */
  async #vouch(version: number): Promise<void> {
    const { reader, log } = this.#options;
    if (reader.ownerKeys().length === 0) {
      log.error(
        { version },
        'the list of owner keys is lost: a configuration runs unchecked until it comes again',
      );
      return;
    }
    const wire = await this.#versions.signed(version);
    if (wire === null) {
      const { signedFrom, highest } = this.#state.current;
      if (version < (signedFrom ?? highest + 1)) return;
      throw new Error('its signature is gone');
    }
    const configuration = authenticate(wire, reader);
    if (configuration.version !== version) throw new Error(`it is version ${configuration.version}`);
    const checked = await checkConfiguration(configuration, reader);
    if (!(await this.#versions.agrees({ ...checked, wire }))) throw new Error('it is not what was signed');
  }

  async #vouchAgain(): Promise<void> {
    const { running } = this.#state.current;
    if (running === 0) return;
    try {
      await this.#vouch(running);
    } catch (error) {
      const { message } = error as Error;
      await this.#revert('CONFIGURATION_FOREIGN', `version ${running} does not count any more: ${message}`);
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
      this.#left = error.code === 'CONFIGURATION_FOREIGN' ? wire : null;
      log.warn({ err: error }, 'a configuration was left');
      this.#host?.onEvent('warn', error.code, error.message);
      return;
    }
    const { version } = configuration;
    const { highest, digest: known, told } = this.#state.current;
    const digest = createHash('sha256').update(wire).digest('hex');
    if (version < highest) {
      this.#host?.onEvent('warn', 'CONFIGURATION_OLD', `version ${version} came after version ${highest}`);
      return;
    }
    // After damage to the state file it is not known what became of the newest.
    if (version === highest && told.version === version) {
      // Retained, so the newest one comes again on each connection.
      if (known === null || known === digest) {
        await this.#versions.keepSigned(version, wire);
        return;
      }
      if (told.error?.code === 'CONFIGURATION_OLD') return;
      return await this.#reject(version, 'CONFIGURATION_OLD', 'another configuration came under this number');
    }
    try {
      reader.admit?.({ kind: 'configuration', counter: version, expiresMs: configuration.expiresMs });
    } catch (error) {
      const { code, message } = describe(error);
      this.#left = wire;
      return await this.#reject(version, code, message);
    }
    try {
      await this.#versions.add({ ...(await checkConfiguration(configuration, reader)), wire });
      await this.#adopt(version, digest);
    } catch (error) {
      const { code, message } = describe(error);
      await this.#note({ highest: version, digest });
      return await this.#reject(version, code, message);
    }
    await this.#run(version);
  }

  async #reject(version: number, code: BlindsightError['code'] | EventCode, message: string): Promise<void> {
    await this.#note({ told: this.#tell('rejected', version, { code, message }) });
    this.#say('warn', 'CONFIGURATION_REJECTED', `version ${version}: ${message} (${code})`);
    await this.#tidy();
  }

  /** From here on a power cut leaves the new settings, on trial. Where it fails, what ran goes on, with its own trial. */
  async #adopt(version: number, digest: string): Promise<void> {
    const settings = await this.#versions.read(version, this.#file.data);
    const { running, trial, previous, safe } = this.#state.current;
    // What is on trial is what to go back to only if the broker heard of it; then it goes on with a trial of its own.
    const goBack =
      trial === null
        ? { previous: running, safe: null }
        : trial.heard
          ? { previous: running, safe: safe ?? previous }
          : { previous, safe };
    await this.#state.update({
      highest: version,
      digest,
      running: version,
      ...goBack,
      trial: { starts: 0, heard: false },
      fileDigest: settingsDigest(this.#file),
      told: this.#tell('received', version, null),
    });
    this.#trial.abort();
    this.#config = { ...this.#file, ...settings };
  }

  async #run(version: number): Promise<void> {
    this.#host?.onReport();
    try {
      await this.#host?.apply(this.#config);
    } catch (error) {
      if (this.#closed) return;
      const { code, message } = describe(error);
      return await this.#revert(code, `version ${version} could not be applied: ${message}`);
    }
    // Now, not at the end of the trial: many that come meanwhile would fill the disk.
    await this.#tidy();
    this.#startTrial();
  }

  #startTrial(): void {
    this.#trial.abort();
    if (this.#closed) return;
    this.#trial = new AbortController();
    const { signal } = this.#trial;
    void this.#try(signal).catch((error: unknown) => {
      if (!signal.aborted) this.#options.log.error({ err: error }, 'a configuration could not be tried');
    });
  }

  /**
   * `applied` as soon as the broker heard of it; given up where it does not in time. For good where the link is there at the end of the time,
   * too: what stifles it may take a while.
   */
  async #try(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const end = clock.monotonic() + TRIAL_MS;
    const { running } = this.#state.current;
    const inTurn = (act: () => Promise<void>) =>
      this.#queue(() => (signal.aborted ? Promise.resolve() : act()));
    const message = `version ${running}: no connection to the broker within ${TRIAL_MS / 1000} s`;
    const giveUp = () => inTurn(() => this.#revert('CONFIGURATION_NO_LINK', message));
    if (!(await this.#isLinked(signal))) return giveUp();
    await inTurn(() => this.#applied(running));
    await clock.sleep(Math.max(0, end - clock.monotonic()), signal);
    if (!(await this.#isLinked(signal))) return giveUp();
    await inTurn(async () => {
      await this.#note({ trial: null });
      await this.#tidy();
    });
  }

  /** Whether the link proves itself in time; a broker that does not answer at all counts as none. */
  async #isLinked(signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#options;
    const end = clock.monotonic() + TRIAL_MS;
    const done = new AbortController();
    const late = clock.sleep(TRIAL_MS, AbortSignal.any([signal, done.signal])).then(
      () => false,
      () => false,
    );
    try {
      while (!(await Promise.race([this.#host?.proveLink(), late]))) {
        if (clock.monotonic() >= end) return false;
        await clock.sleep(PROVE_MS, signal);
      }
      return true;
    } finally {
      done.abort();
    }
  }

  async #applied(version: number): Promise<void> {
    const { told, trial } = this.#state.current;
    const heard = trial && { ...trial, heard: true };
    if (told.status !== 'received') return this.#note({ trial: heard });
    await this.#note({ trial: heard, told: this.#tell('applied', version, null) });
    this.#options.log.info({ version }, 'a pushed configuration runs');
    this.#say('info', 'CONFIGURATION_APPLIED', `version ${version} runs`);
  }

  /** Back to what ran before; the settings that run are those when this resolves. */
  async #revert(code: BlindsightError['code'], message: string): Promise<void> {
    await this.#giveUp(code, message);
    await this.#load();
    await this.#applyAgain();
    await this.#tidy();
    if (this.#state.current.trial !== null) this.#startTrial();
    this.#say('error', 'CONFIGURATION_REVERTED', `${message} (${code})`);
  }

  /** What ran before runs again as far as it can. */
  async #applyAgain(): Promise<void> {
    await this.#host?.apply(this.#config).catch((error: unknown) => {
      this.#options.log.error({ err: error }, 'the settings that ran before do not run as a whole');
    });
  }

  async #giveUp(code: BlindsightError['code'], message: string): Promise<void> {
    const { running, previous, safe } = this.#state.current;
    this.#options.log.error({ version: running, code }, `a pushed configuration is given up: ${message}`);
    this.#trial.abort();
    await this.#note({
      running: previous === running ? 0 : previous,
      previous: safe ?? 0,
      safe: null,
      trial: safe === null ? null : { starts: 0, heard: false },
      told: this.#tellReverted(running, { code, message }),
    });
  }

  /** What became of the newest stays told where an earlier one, which ran in its place, is given up too: the broker may not have heard of it yet. */
  #tellReverted(version: number, error: NonNullable<Told['error']>): Told {
    const { told } = this.#state.current;
    if (version >= told.version) return this.#tell('reverted', version, error);
    const earlier = { version, error: { ...error, message: error.message.slice(0, MAX_EARLIER_REASON) } };
    return { ...told, revertedSince: [...(told.revertedSince ?? []), earlier] };
  }

  #tell(status: Told['status'], version: number, error: Told['error']): Told {
    const since = new Date(this.#options.clock.now()).toISOString();
    const short = error && { ...error, message: error.message.slice(0, MAX_REASON) };
    return { status, version, since, error: short };
  }

  /** Keeps what happened, on disk where that takes it: a full one must keep nothing from being told, or a bad version from being given up. */
  async #note(change: Partial<ConfigurationState>): Promise<void> {
    await this.#state.note(change).catch((error: unknown) => {
      this.#options.log.error({ err: error }, 'the state of the configuration cannot be written');
    });
  }

  /** Deletes versions, with their credentials, that can never run again; none that the state on disk names. */
  async #tidy(): Promise<void> {
    if (!this.#state.isSaved) return;
    const { running, previous, safe } = this.#state.current;
    await this.#versions.keep([running, previous, safe ?? 0]).catch((error: unknown) => {
      this.#options.log.warn({ err: error }, 'former configurations could not be deleted');
    });
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
  if (isDiskFull(error)) return { code: 'DISK_FULL', message: 'the disk has no room for it' };
  return { code: 'CONFIGURATION_FAILED', message: error instanceof Error ? error.message : String(error) };
}
