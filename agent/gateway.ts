import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { AgentConfig } from '#config/schema.ts';
import { GATHERED_ENVELOPE, SHARED_ENVELOPE } from '#protocol/envelope.ts';
import { gatewayTopics } from '#protocol/topics.ts';
import type { Clock } from '#runtime/clock.ts';
import { ensureDirectory } from '#runtime/files.ts';
import { installedVersion } from '#runtime/installed-version.ts';
import { connectLink } from '#runtime/link.ts';
import type { Logger } from '#runtime/log.ts';
import { RecentLines } from '#runtime/recent-lines.ts';
import { Camera } from './camera/camera.ts';
import { CameraSet } from './camera/camera-set.ts';
import { logCameraState } from './camera/log-camera-state.ts';
import { readAddress } from './camera/read-address.ts';
import { CertificateKeeper } from './certificate/certificate-keeper.ts';
import type { Commands } from './command/commands.ts';
import { packDiagnostics } from './command/diagnostics.ts';
import { LogLevels } from './command/log-levels.ts';
import { openCommands } from './command/open-commands.ts';
import { Configurator } from './configuration/configurator.ts';
import { every } from './every.ts';
import type { GatewayParts } from './gateway-parts.ts';
import { measureHealth } from './health/health.ts';
import { readIdentity } from './identity.ts';
import type { InterpreterHost } from './inference/interpreter-host.ts';
import { InterpreterOpener, networkBytes, type OpenOptions } from './inference/interpreter-opener.ts';
import { loadingLog } from './inference/loading-log.ts';
import { AgentMetrics } from './metrics/agent-metrics.ts';
import { MetricsServer } from './metrics/metrics-server.ts';
import type { Snapshot } from './metrics/snapshot.ts';
import { statusLine } from './metrics/status-line.ts';
import { defaultPlace, openNetworkFiles } from './networks/network-files.ts';
import { Networks } from './networks/networks.ts';
import { Audits, type AuditsOptions } from './opening/audits.ts';
import type { AnswerTraces } from './outbox/answer-traces.ts';
import { Gatherer } from './outbox/gatherer.ts';
import { Outbox } from './outbox/outbox.ts';
import { outboxBounds } from './outbox/outbox-bounds.ts';
import { recordAnswers } from './outbox/recorder.ts';
import { Sender } from './outbox/sender.ts';
import type { PreviewServer } from './preview/preview-server.ts';
import { previewOf, startPreview } from './preview/start-preview.ts';
import { runTogether } from './run-together.ts';
import type { Condition } from './software/health-gate.ts';
import { readLaunchPlace } from './software/launch-place.ts';
import { Software, type SoftwareHost } from './software/software.ts';
import { Trust } from './trust/trust.ts';
import { CameraList } from './uplink/camera-list.ts';
import { SessionCounter } from './uplink/session-counter.ts';
import { Uplink } from './uplink/uplink.ts';

import { whenAborted } from './when-aborted.ts';

export type GatewayOptions = {
  readonly config: AgentConfig;
  readonly log: Logger;
  readonly clock: Clock;
  /** The newest lines of `log`. */
  readonly recent?: RecentLines;
  /** Where some answers are traced. */
  readonly traces?: AnswerTraces | null;
  /** Ends the process in peace, for something to start it again. @throws BlindsightError where nothing would */
  readonly restart?: () => void;
};

const CAMERA_STATE_MS = 10_000;

/**
 * The parts of a gateway, joined. Only this file knows them all; each knows its neighbours by callbacks.
 *
 * camera → networks (mask, prepare, run; rollout → runner) → recorder → outbox → sender → link.
 */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #configurator: Configurator;
  readonly #trust: Trust;
  readonly #cameras: CameraSet;
  readonly #cameraList: CameraList;
  readonly #networks: Networks;
  readonly #opener = new InterpreterOpener(() => this.#config.inference);
  readonly #outbox: Outbox;
  readonly #audits: Audits;
  readonly #gatherer: Gatherer;
  readonly #sender: Sender;
  readonly #software: Software;
  readonly #uplink: Uplink;
  readonly #commands: Commands;
  readonly #levels: LogLevels;
  readonly #metrics: AgentMetrics;
  readonly #metricsServer: MetricsServer;
  #preview: PreviewServer | null;
  /** The settings that run: those of the file, or pushed ones in their place. */
  #config: AgentConfig;
  /** That the backend said it takes. */
  #newestEnvelope = 1;
  readonly #certificate: CertificateKeeper;
  /** Aborts when everything ends. */
  readonly #closing = new AbortController();
  /** Aborts when other settings are taken up: intervals begin anew. */
  #reconfigured = new AbortController();

  /**
   * Reads keys and what is on disk, and joins the parts; nothing runs yet but the link.
   *
   * @throws BlindsightError where the installation itself is broken: keys, certificates, the data folder
   */
  static async open(options: GatewayOptions): Promise<Gateway> {
    const { config: file, clock, log } = options;
    await ensureDirectory(file.data);
    const identity = await readIdentity(file.identity);
    const { site, gateway } = file;
    const trust = await Trust.open({ site, gateway, data: file.data, ...identity, clock, log });
    const owner = { site, gateway, ownerKeys: trust.ownerKeys };
    const reader = { ...owner, admit: trust.admit, sealingKey: identity.sealingKey };
    const configurator = await Configurator.open({ reader, file, clock, log });
    const { config } = configurator;
    if (config.log.level !== file.log.level) log.level = config.log.level;
    const levels = new LogLevels(log, config.log.level, clock);
    const recent = options.recent ?? new RecentLines();
    const publish: AuditsOptions['publish'] = (...answer) => opened.#uplink.publishAnswer(...answer);
    const { signingKey } = identity;
    const audits = await Audits.open({ ...owner, data: config.data, signingKey, publish, clock, log });
    const { openings } = audits;
    const directory = join(config.data, 'outbox');
    const outbox = await Outbox.open({ directory, ...outboxBounds(config), openings, clock, log });
    const sessions = await SessionCounter.open(config.data, clock);
    const commands = await openCommands({
      ...{ ...owner, levels, recent, clock, log },
      ...{ data: config.data, signingKey, publish },
      started: () => `restarted; session ${sessions.session}, software ${installedVersion()}`,
      restart: () => options.restart?.(),
      diagnose: () => opened.#diagnose(recent),
    });
    const opened: Gateway = new Gateway(options, {
      ...{ commands, levels, audits },
      configurator,
      outbox,
      identity,
      trust,
      network: await openNetworkFiles(defaultPlace(config.data), owner, log),
      software: await Software.open({
        ...{ ...owner, admit: trust.admit, clock, log },
        place: readLaunchPlace(),
        version: installedVersion(),
        restart: () => options.restart?.(),
      }),
      certificate: await CertificateKeeper.open({ config, signingKey, clock, log }),
      sessions,
      preview: await startPreview(config, log, () => opened.#networks.watchChanged()),
      cameraList: await CameraList.open(
        join(config.data, 'cameras.json'),
        config.cameras.map((camera) => camera.name),
      ),
    });
    return opened;
  }

  private constructor(options: GatewayOptions, parts: GatewayParts) {
    const { clock, log } = options;
    const { outbox, identity, sessions, preview, configurator, trust } = parts;
    const { config } = configurator;
    const { site, gateway } = config;
    this.#options = options;
    this.#configurator = configurator;
    this.#trust = trust;
    this.#config = config;
    this.#cameraList = parts.cameraList;
    this.#commands = parts.commands;
    this.#levels = parts.levels;
    this.#metrics = new AgentMetrics(() => this.#snapshot(), config.data);
    this.#metricsServer = new MetricsServer({ metrics: this.#metrics, clock, log });
    this.#outbox = outbox;
    this.#audits = parts.audits;
    this.#software = parts.software;
    this.#preview = preview;
    this.#certificate = parts.certificate;
    this.#cameras = new CameraSet(
      config.cameras,
      (camera, current) =>
        new Camera({
          config: camera,
          readAddress: () => readAddress(current()),
          clock,
          onFrame: () => this.#networks.wake(),
          onState: (changed) => {
            logCameraState(changed, log);
            this.#uplink.publishCamera(changed.state);
          },
        }),
    );
    const tell: Pick<SoftwareHost, 'request' | 'onReport' | 'onEvent'> = {
      request: (request) => this.#uplink.requestChunks(request),
      onReport: () => this.#uplink.publishReported(),
      onEvent: (level, code, message) => this.#uplink.publishEvent(level, code, message),
    };
    this.#uplink = this.#joinUplink(parts);
    const { signingKey } = identity;
    const topic = gatewayTopics(site, gateway).inference;
    const { traces = null } = options;
    const sending = { outbox, link: this.#uplink.link, topic, signingKey, sessions };
    this.#sender = new Sender({ ...sending, traces, clock, log });
    outbox.onDrop((count, cause, reason) => {
      this.#metrics.dropped(count, cause);
      if (cause !== 'disk')
        this.#uplink.publishEvent('warn', 'OUTBOX_DROPPED', `${count} dropped: ${reason}`);
    });
    outbox.onTrouble((level, code, message) => {
      this.#uplink.publishEvent(level, code, message);
      this.#publishHealth().catch((err: unknown) => log.warn({ err }, 'a report failed'));
    });
    const { openings } = parts.audits;
    const recorder = {
      ...{ site, gateway, signingKey, sessions, outbox, openings },
      ...{ sender: this.#sender, traces },
    };
    this.#gatherer = new Gatherer({
      togetherMs: () => this.#config.answers.togetherSeconds * 1000,
      isKnown: () => this.#newestEnvelope >= GATHERED_ENVELOPE,
      record: async (together) => {
        const isKept = await recordAnswers(together, recorder);
        for (const { timings, frameTimeMs } of isKept ? together.answers : [])
          this.#metrics.observe(timings, clock.now() - frameTimeMs);
        return isKept;
      },
      lost: (count) => outbox.lose(count, 'gathered answers could not be recorded'),
      ...{ noted: outbox.gathered, clock, log },
    });
    this.#networks = new Networks(parts.network, {
      ...{ site, gateway, ownerKeys: trust.ownerKeys, admit: trust.admit, clock, log },
      ...tell,
      data: config.data,
      memoryBytes: () => networkBytes(this.#config.inference),
      onFollow: (names) => this.#uplink.follow(names),
      open: (bundle) => this.#open(bundle),
      onAnswer: (answer) => this.#gatherer.add(answer),
      onMasked: (camera, frame) => this.#preview?.show(camera, frame),
      isWatched: (camera) => this.#preview?.isWatched(camera) ?? false,
      sharesCiphertexts: () =>
        this.#config.inference.shareCiphertexts && this.#newestEnvelope >= SHARED_ENVELOPE,
    });
    this.#networks.setCameras(this.#cameras.all);
    trust.connect({
      onChange: () =>
        void [this.#networks, configurator, this.#software, this.#audits].map((each) => each.trustChanged()),
      ...tell,
    });
    const proveLink = () => this.#uplink.proveLink();
    this.#software.connect({ ...tell, condition: () => this.#condition(), proveLink });
    configurator.connect({ ...tell, apply: (settings) => this.#apply(settings), proveLink });
  }

  /** Everything that is said and heard, joined with the parts whose business it is. */
  #joinUplink(parts: GatewayParts): Uplink {
    const { clock, log } = this.#options;
    const { site, gateway, broker } = this.#config;
    const { sessions, configurator, trust } = parts;
    return new Uplink({
      site,
      gateway,
      sessions,
      clock,
      log,
      connect: (will) => {
        const link = connectLink({
          ...{ url: broker.url, clientId: gateway, will, clock, log },
          credentials: () => parts.certificate.credentials,
        });
        parts.certificate.connect(link);
        return link;
      },
      birth: () => ({
        version: installedVersion(),
        platform: `${process.platform} ${process.arch} node ${process.version}`,
        cameras: this.#cameras.all.map((camera) => camera.name),
        bundle: this.#networks.report.bundle.active,
        certificate: this.#certificate.serial,
      }),
      cameraStates: () => this.#cameras.all.map((camera) => camera.state),
      goneCameras: parts.cameraList,
      reported: () => this.#reported,
      onUp: () => {
        this.#sender.linkUp();
        this.#commands.linkUp();
        this.#software.linkUp();
        void this.#publishHealth().catch((error: unknown) =>
          log.debug({ err: error }, 'no health on connection'),
        );
      },
      onEnvelopes: (newest) => {
        this.#newestEnvelope = newest;
      },
      onBackend: (session) => {
        this.#sender.backendChanged(session);
        if (session === null) return;
        this.#networks.backendUp();
        this.#software.backendUp();
      },
      onReceipt: (digests) => void this.#sender.received(digests),
      onManifest: (...manifest) => this.#networks.receiveManifest(...manifest),
      onChunk: (wire) => {
        this.#networks.receiveChunk(wire);
        this.#software.receiveChunk(wire);
      },
      onSoftware: (wire) => this.#software.receive(wire),
      onConfiguration: (wire) => configurator.receive(wire),
      onCommand: (...command) => this.#commands.receive(...command),
      onChallenge: (...challenge) => this.#audits.receiveChallenge(...challenge),
      onTrust: (wire) => void trust.receive(wire),
      onAuditor: (wire) => void this.#audits.receiveKey(wire),
    });
  }

  /** agent.yaml was changed: takes it up as far as it can without a new start. */
  reload(file: AgentConfig): Promise<void> {
    return this.#configurator.reload(file);
  }

  /** How long the pipeline has not moved although it could, in milliseconds. */
  get stuckMs(): number {
    return this.#networks.stuckMs;
  }

  /** What an update must not make worse. */
  #condition(): Condition {
    return {
      streaming: this.#cameras.all.filter(({ state }) => state.state === 'streaming').map(({ name }) => name),
      wanted: this.#config.cameras.filter(({ enabled }) => enabled).map(({ name }) => name),
      answers: this.#networks.counts.answers,
    };
  }

  /** One line for people. */
  get status(): string {
    return statusLine(this.#snapshot());
  }

  /** Runs all parts until the signal ends them; children and threads are gone when this resolves. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      await this.#metricsServer.apply(this.#config.metrics);
      await runTogether(signal, [
        (ending) => this.#trust.run(ending),
        (ending) => this.#software.run(ending),
        (ending) => this.#cameras.run(ending),
        (ending) => this.#networks.run(ending).finally(() => this.#gatherer.close()),
        (ending) => this.#gatherer.run(ending),
        (ending) => this.#sender.run(ending),
        (ending) => this.#audits.run(ending, () => this.#sender.live),
        (ending) => this.#every(CAMERA_STATE_MS, ending, () => this.#uplink.publishCameras()),
        (ending) => this.#certificate.run(ending),
        (ending) =>
          this.#every(
            () => this.#config.healthSeconds * 1000,
            ending,
            () => this.#publishHealth(),
          ),
        // At once, not after the others: a run that is under way may take seconds and is cut short.
        (ending) => whenAborted(ending, () => this.#closeInterpreters()),
      ]);
    } finally {
      await this.#configurator.close();
      await this.#trust.close();
      await this.#preview?.close();
      await this.#metricsServer.close();
      await this.#commands.close();
      await this.#audits.close();
      this.#levels.close();
      await this.#uplink.close();
    }
  }

  async #closeInterpreters(): Promise<void> {
    // First: what cannot be applied from here on is no reason to go back to other settings.
    const configured = this.#configurator.close();
    this.#closing.abort();
    await this.#networks.close();
    await this.#software.close();
    await configured;
  }

  async #open(options: OpenOptions): Promise<InterpreterHost> {
    const { clock, log } = this.#options;
    const network = options.bundle.manifest.model;
    const onProgress = loadingLog(network, clock, log);
    const host = await this.#opener.open({ signal: this.#closing.signal, ...options, onProgress });
    const { kind, threads, lanes, readsDisk } = host;
    if (kind === 'engine' && threads > 1 && lanes === 1) {
      const why = readsDisk ? 'it is read from disk for every picture' : 'there is no memory for two';
      log.info({ network }, `this network works on one picture at a time: ${why}`);
    }
    return host;
  }

  /**
   * Takes other settings up while everything runs. Cameras that stay are not touched; a preview or an interpreter whose settings changed is
   * made anew. Where a part fails the others are taken up all the same, and its error is thrown then: whoever goes back to settings that ran goes
   * back in every part.
   */
  async #apply(config: AgentConfig): Promise<void> {
    const before = this.#config;
    this.#config = config;
    this.#levels.setConfigured(config.log.level);
    this.#outbox.setBounds(outboxBounds(config));
    this.#reconfigured.abort();
    this.#reconfigured = new AbortController();
    const changed = (part: (settings: AgentConfig) => unknown) =>
      !isDeepStrictEqual(part(before), part(config));
    const parts = [
      changed(({ cameras }) => cameras) && (() => this.#applyCameras(config)),
      changed(previewOf) && (() => this.#applyPreview(config)),
      () => this.#metricsServer.apply(config.metrics),
      () => this.#networks.renew((host) => this.#opener.fits(host)),
    ];
    const failures: unknown[] = [];
    for (const part of parts)
      if (part !== false) await part().catch((error: unknown) => void failures.push(error));
    if (failures.length > 0) throw failures[0];
  }

  async #applyCameras({ cameras }: AgentConfig): Promise<void> {
    await this.#gatherer.flush();
    await this.#cameraList.setCameras(cameras.map(({ name }) => name));
    await this.#cameras.apply(cameras);
    this.#networks.setCameras(this.#cameras.all);
    this.#uplink.camerasChanged();
  }

  async #applyPreview(config: AgentConfig): Promise<void> {
    await this.#preview?.close();
    this.#preview = null;
    this.#preview = await startPreview(config, this.#options.log, () => this.#networks.watchChanged());
  }

  #every(ms: number | (() => number), signal: AbortSignal, act: () => unknown): Promise<void> {
    const { clock, log } = this.#options;
    return every({ ms, anew: () => this.#reconfigured.signal, clock, log }, signal, act);
  }

  async #publishHealth(): Promise<void> {
    const measured = await this.#measureHealth();
    // As it is now: of two measurements the one that was begun earlier may end later.
    this.#uplink.publishHealth({ ...measured, outbox: this.#outbox.status, pictures: this.#pictures() });
  }

  #measureHealth() {
    return measureHealth(this.#options.config.data, this.#outbox.status);
  }

  /** Everything that a supporter asks for first. */
  async #diagnose({ lines }: RecentLines): Promise<Uint8Array> {
    const metrics = await this.#metrics.text();
    const health = await this.#measureHealth();
    return packDiagnostics({ config: this.#config, lines, metrics, health, snapshot: this.#snapshot() });
  }

  #snapshot(): Snapshot {
    const { clock } = this.#options;
    const { site, gateway } = this.#config;
    return {
      ...{ site, gateway, version: installedVersion(), nowMs: clock.now(), stuckMs: this.stuckMs },
      cameras: this.#cameras.all.map(({ state, lastLines }) => ({ ...state, lastLines })),
      pictures: this.#pictures(),
      outbox: this.#outbox.status,
      openings: this.#audits.status,
      isLinkUp: this.#uplink.link.connected,
      obstacle: this.#uplink.obstacle,
      reported: this.#reported,
      isRunning: this.#networks.isRunning,
      certificateEndMs: this.#certificate.endMs,
    };
  }

  get #reported() {
    return {
      ...this.#networks.report,
      configuration: this.#configurator.report,
      software: this.#software.report,
      trust: this.#trust.report,
    };
  }

  #pictures() {
    const { captured, superseded } = this.#cameras.counts;
    const { answers, failures } = this.#networks.counts;
    return {
      captured,
      superseded,
      answered: answers,
      failed: failures,
    };
  }
}
