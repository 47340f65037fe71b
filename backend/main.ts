import { dirname } from 'node:path';
import type { BackendConfig } from '#config/schema.ts';
import type { SiteState } from '#protocol/api.ts';
import { NEWEST_ENVELOPE } from '#protocol/envelope.ts';
import type { BackendState, Reported } from '#protocol/messages.ts';
import { siteTopics } from '#protocol/topics.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import { installedVersion } from '#runtime/installed-version.ts';
import { connectLink, type Link, type LinkCredentials } from '#runtime/link.ts';
import { readLinkCredentials } from '#runtime/link-credentials.ts';
import type { Logger } from '#runtime/log.ts';
import { AlertService } from './alerts/alert-service.ts';
import { EventHub } from './api/event-hub.ts';
import { readToken } from './api/security.ts';
import { startApi } from './api/server.ts';
import { AuditService } from './auditor/audit-service.ts';
import { RemoteAuditor } from './auditor/remote-auditor.ts';
import { openSelectionKey, Selection } from './auditor/selection.ts';
import { CommandService } from './command/command-service.ts';
import { ConfigurationService } from './configuration/configuration-service.ts';
import { carryConfiguration } from './configuration/push-configuration.ts';
import { answerLimits } from './decryption/answer-bounds.ts';
import { Decryptor } from './decryption/decryptor.ts';
import { Intake } from './decryption/intake.ts';
import { Processor } from './decryption/processor.ts';
import { ReceiptSender } from './decryption/receipt-sender.ts';
import { RefusalLog } from './decryption/refusal-log.ts';
import { ChunkServer } from './deployment/chunk-server.ts';
import { DeploymentService } from './deployment/deployment-service.ts';
import { brokerForGateways } from './enrolment/broker-for-gateways.ts';
import { CertificateWatch } from './enrolment/certificate-watch.ts';
import { EnrolmentServer } from './enrolment/enrolment-server.ts';
import { RenewalService } from './enrolment/renewal-service.ts';
import { LocalTime } from './events/local-time.ts';
import { Situations } from './events/situations.ts';
import type { AnswerFollower } from './follow/answer-follower.ts';
import { FollowService } from './follow/follow-service.ts';
import { RollUps } from './history/roll-ups.ts';
import { DiscoveryPublisher } from './home-assistant/discovery-publisher.ts';
import { LeakWatch } from './leak/leak-watch.ts';
import { AnswerMetrics } from './metrics/answer-metrics.ts';
import { acceptInvited } from './operations/accept-enrolment.ts';
import { reprotectGateway } from './operations/reprotect-gateway.ts';
import { GatewayListener } from './results/gateway-listener.ts';
import { ResultPublisher } from './results/result-publisher.ts';
import { type RetentionOptions, removeOldResults } from './results/retention.ts';
import { SiteView } from './results/site-view.ts';
import { RekeyService } from './rollout/rekey-service.ts';
import { RolloutService } from './rollout/rollout-service.ts';
import { Rules } from './rules/rules.ts';
import { BACKEND_SESSION, openSite } from './site.ts';
import { SoftwareService } from './software/software-service.ts';
import type { DeploymentRecord } from './store/deployments.ts';
import { isDiskLow } from './store/disk-low.ts';
import { heldBound } from './store/held.ts';
import type { Store } from './store/store.ts';
import { StoreWatch } from './store/store-watch.ts';
import { TrustService } from './trust/trust-service.ts';

export type BackendOptions = {
  readonly config: BackendConfig;
  readonly log: Logger;
  /** Closes the backend, as `close` does. */
  readonly signal: AbortSignal;
  /** How a command for this site is written, see `SiteState`. */
  readonly commandLine?: string;
  readonly clock?: Clock;
};

export type RunningBackend = {
  /** Where the API and the page are served. */
  readonly port: number;
  /** Finishes current work, says goodbye and ends; resolves when everything is durable and closed. */
  close(): Promise<void>;
};

/**
 * Starts the backend: inbox, decryption, deployment, results and API. It runs without a broker too, and says so.
 *
 * @throws BlindsightError if site, key, token or API address do not allow a start; the broker is never a reason.
 */
export async function runBackend(options: BackendOptions): Promise<RunningBackend> {
  const { config, signal } = options;
  const token = await readToken(config.api.tokenFile);
  const owner = { name: 'backend', setting: 'the only name of a backend', site: config.site };
  const credentials = await readLinkCredentials(config.broker, owner);
  const core = await openCore(options);
  const { hub, site, log } = core;
  const processor = makeProcessor(core, () => services);
  const api = await serveApi(core, processor, token).catch(async (error: unknown) => {
    hub.close();
    await site.close();
    throw error;
  });
  const link = openLink(core, credentials);
  const services = makeServices(core, link, processor);
  listen(core, link, services);

  const loops = startLoops(core, processor, services);
  let closing: Promise<void> | null = null;
  const closeAll = async () => {
    await stopServices(core, link, services);
    core.stop.abort();
    await Promise.all(loops);
    await core.decryptor.close();
    await api.close();
    await site.close();
    log.info('backend closed');
  };
  const close = () => {
    closing ??= closeAll();
    return closing;
  };
  signal.addEventListener('abort', () => void close().catch(core.failed), { once: true });
  if (signal.aborted) void close().catch(core.failed);
  log.info({ port: api.port }, `backend of site ${site.name} is running; page on port ${api.port}`);
  return { port: api.port, close };
}

/** What all parts of the backend share. */
type Core = Awaited<ReturnType<typeof openCore>>;
type Services = ReturnType<typeof makeServices>;

async function openCore({ config, log: outer, clock = systemClock, commandLine }: BackendOptions) {
  const folder = config.store.kind === 'sqlite' ? dirname(config.store.file) : null;
  const disk = folder === null ? null : { folder, isLow: () => isDiskLow(folder) };
  const watch = new StoreWatch({ clock, log: outer, disk });
  const { log } = watch;
  const site = await openSite(config, watch.failed);
  const onChange = () => hub.stateChanged();
  const localTime = new LocalTime(config.timeZone);
  const answersAbout = (camera: string, region: string | undefined) => view.answersAbout(camera, region);
  const situations = new Situations({ clock, settings: config.events, localTime, answersAbout, onChange });
  const { share, lateShare } = config.audit;
  const view = new SiteView(site.name, site.store, clock, commandLine, share, (camera) =>
    situations.of(camera),
  );
  await view.load();
  const selectionKey = await openSelectionKey(site.store, site.vault, clock.now());
  const failed = (error: unknown) => log.error({ err: error }, 'the store did not answer');
  const snapshot = () => watch.state(() => view.snapshot());
  const rules = new Rules({
    ...{ clock, log, settings: config.events, timeZone: localTime.timeZone, answersAbout, onChange },
    snapshot: () => view.snapshot(),
  });
  const hub = new EventHub(snapshot, failed);
  watch.onChange(onChange);
  return {
    ...{ config, clock, log, disk, watch, site, view, situations, rules, failed, snapshot, hub, onChange },
    decryptor: new Decryptor(site),
    answers: new AnswerMetrics(),
    remoteAuditor: config.audit.auditor === 'process' ? new RemoteAuditor(clock) : null,
    selection: new Selection({ store: site.store, key: selectionKey, share, lateShare }),
    /** Ends the loops. */
    stop: new AbortController(),
    /** Of the connection to the broker that there is now. */
    session: { current: 0 },
  };
}

function makeProcessor(core: Core, services: () => Services): Processor {
  const { config, clock, log, site, hub, decryptor, selection, onChange } = core;
  return new Processor({
    store: site.store,
    site: site.name,
    decryptor,
    limits: answerLimits(config),
    audits: {
      consider: selection.consider.bind(selection),
      heard: (gateway, receivedMs) => services().audits.heard(gateway, receivedMs),
    },
    acceptsReference: config.audit.acceptReference || config.audit.share === 0,
    heldBound: heldBound(config),
    audit: config.audit,
    clock,
    log,
    onResult: (result) => {
      services().results.publish(result);
      hub.publish({ type: 'result', data: result });
      onChange();
    },
    onChange,
  });
}

function serveApi(core: Core, processor: Processor, token: string | null) {
  const { config, clock, log, site, view, watch, snapshot, hub } = core;
  return startApi({
    site,
    snapshot,
    isStuck: () => processor.isStuck,
    answers: core.answers,
    trouble: () => watch.trouble,
    broker: () => view.broker,
    hub,
    clock,
    log,
    host: config.api.host,
    port: config.api.port,
    token,
    proxy: config.api.proxy,
    history: config.history,
    maxMessageBytes: maxMessageBytes(config),
    settings: config,
    auditor: core.remoteAuditor,
  });
}

const maxMessageBytes = ({ broker }: BackendConfig): number => broker.maxMessageKilobytes * 1024;

function openLink({ config, session, site, clock, log }: Core, credentials: LinkCredentials): Link {
  return connectLink({
    url: config.broker.url,
    ...credentials,
    clientId: 'backend',
    clock,
    log,
    will: async () => {
      session.current = await site.store.settings.next(BACKEND_SESSION);
      return backendState('offline', site.name, session.current, clock);
    },
  });
}

/** The message that tells gateways whether somebody listens. */
function backendState(state: BackendState['state'], site: string, session: number, clock: Clock) {
  const time = new Date(clock.now()).toISOString();
  const message: BackendState = { state, session, time, envelope: NEWEST_ENVELOPE };
  return { topic: siteTopics(site).backendState, payload: JSON.stringify(message), retain: true };
}

/** Everything that speaks over the link. */
function makeServices(core: Core, link: Link, processor: Processor) {
  const { config, clock, log, site, view, disk, hub, onChange } = core;
  const { signHours, validDays } = config.freshness;
  const common = { store: site.store, site: site.name, link, clock, log };
  const receipts = new ReceiptSender({ site: site.name, link, clock, log });
  return {
    receipts,
    results: new ResultPublisher({
      ...common,
      view,
      onLeft: (result) => hub.publish({ type: 'result', data: result }),
    }),
    deployments: new DeploymentService({
      ...common,
      onChange,
      onRelease: (release) => prepareKey(core, release),
    }),
    configurations: new ConfigurationService({ ...common, onChange }),
    software: new SoftwareService({ ...common, onChange }),
    rollouts: new RolloutService({
      ...{ site, clock, log, onChange },
      reportedOf: (gateway) => view.reportedOf(gateway),
      maxMessageBytes: maxMessageBytes(core.config),
    }),
    rekeys: new RekeyService({
      ...{ site, clock, log, onChange },
      maxMessageBytes: maxMessageBytes(core.config),
    }),
    commands: new CommandService(common),
    alerts: new AlertService({ ...common, site, onChange }),
    audits: new AuditService({
      site,
      settings: config.audit,
      remote: core.remoteAuditor,
      link,
      clock,
      log,
      onChange,
    }),
    trust: new TrustService({
      ...{ site, link, clock, log },
      signMs: signHours * 3_600_000,
      validMs: validDays * 24 * 3_600_000,
    }),
    renewals: new RenewalService({ site, link, clock, log }),
    chunks: new ChunkServer({ ...common, blobs: site.blobs }),
    homeAssistant: new DiscoveryPublisher({
      ...common,
      snapshot: core.snapshot,
      isEnabled: config.homeAssistant.enabled,
      version: installedVersion(),
    }),
    intake: new Intake({
      store: site.store,
      receipts,
      clock,
      log,
      refusals: new RefusalLog(site.store, clock, log),
      onStored: () => processor.wake(),
      ...(disk !== null && { isDiskLow: disk.isLow }),
    }),
  };
}

/** Unsealing a key and making SEAL's tables takes a second: not while the first answer waits. */
function prepareKey(
  { site, stop, decryptor, log }: Core,
  { model, version, protection: number }: DeploymentRecord,
): void {
  site.store.models
    .get(model, version)
    .then((record) =>
      record === null || stop.signal.aborted
        ? undefined
        : decryptor.prepare(record, { model, version, number }),
    )
    .catch((error: unknown) => {
      if (!stop.signal.aborted) log.warn({ err: error, model }, 'the key of a model cannot be opened');
    });
}

function listen(core: Core, link: Link, services: Services): void {
  const { config, clock, log, site, view, session, stop, onChange } = core;
  const { intake, chunks, deployments, configurations, software, commands, results, trust } = services;
  const topics = siteTopics(site.name);
  link.subscribe(topics.inferences, intake.receive);
  link.subscribe(topics.anyGateway('bundle/request'), chunks.receive);
  link.subscribe(topics.anyGateway('certificate/request'), services.renewals.receive);
  commands.listen();
  services.audits.listen();
  services.alerts.listen();
  const { store, name } = site;
  const reported = async (gateway: string, report: Reported) => {
    await deployments.reported(gateway, report);
    await configurations.reported(gateway, report);
    await software.reported(gateway, report);
    await commands.gatewayUp(gateway);
    await services.audits.gatewayUp(gateway);
    if (report.trust !== undefined) await store.gateways.setTrust(gateway, report.trust);
  };
  new GatewayListener({ store, site: name, view, reported, clock, log, onChange }).listen(link);
  // Only now, with every subscription granted, may gateways think that somebody listens.
  link.onUp(async () => {
    view.setBroker(true, `connected to ${config.broker.url}`);
    onChange();
    const { topic, payload, retain } = backendState('online', name, session.current, clock);
    await link.publish(topic, payload, { retain });
    results.linkUp(stop.signal);
    services.alerts.linkUp();
    // First: gateways judge the others by it.
    await trust.linkUp();
    await services.audits.linkUp();
    await deployments.linkUp();
    await configurations.linkUp();
    await software.linkUp();
  });
  link.onDown((reason) => {
    view.setBroker(false, reason.message);
    onChange();
  });
}

function startLoops(core: Core, processor: Processor, services: Services): Promise<void>[] {
  const { deployments, configurations, software, commands, rollouts, results, trust, homeAssistant } =
    services;
  const { config, clock, log, site, watch, view, stop, onChange } = core;
  const { store } = site;
  const reprotect = async (gateway: string, reason: string, model: string) => {
    const releases = await store.deployments.currentOf(gateway);
    const network = releases.find((one) => one.model === model)?.beside ? model : undefined;
    return reprotectGateway({
      ...{ site, gateway, network, reason, clock, signal: stop.signal },
      maxMessageBytes: maxMessageBytes(config),
    });
  };
  const onLook = (ending: SiteState['endingCertificates']) => {
    view.setEndingCertificates(ending);
    onChange();
  };
  return [
    watch.run(store, stop.signal),
    new CertificateWatch({ site, config, clock, log, onLook }).run(stop.signal),
    enrol(core),
    processor.run(stop.signal),
    deployments.run(stop.signal),
    configurations.run(stop.signal),
    software.run(stop.signal),
    rollouts.run(stop.signal),
    services.rekeys.run(stop.signal),
    commands.run(stop.signal),
    services.audits.run(stop.signal),
    services.alerts.run(stop.signal),
    trust.run(stop.signal),
    results.run(stop.signal),
    core.rules.run(stop.signal),
    new FollowService({ store, followers: makeFollowers(core), clock, log }).run(stop.signal),
    homeAssistant.run(stop.signal),
    new LeakWatch({ store, clock, log, onChange, reprotect }).run(stop.signal),
    removeOldResults({ store, ...resultBounds(core), clock, log }, stop.signal),
  ];
}

/** How long results are kept, and how many. */
function resultBounds({
  config,
  disk,
}: Core): Pick<RetentionOptions, 'days' | 'megabytes' | 'folder' | 'lateHours'> {
  return {
    days: config.resultsDays,
    megabytes: config.resultsMegabytes ?? null,
    folder: disk?.folder ?? null,
    lateHours: config.answers.maxAgeHours,
  };
}

/** What is made of settled answers, in the order in which each batch of them is handed on. */
function makeFollowers({ config, situations, rules, answers }: Core): AnswerFollower[] {
  return [new RollUps(config.history), situations, rules, answers];
}

/** Takes requests of gateways that make their keys themselves, where the settings say so. */
async function enrol({ config, clock, log, site, stop, onChange }: Core): Promise<void> {
  const settings = config.enrolment;
  if (settings === undefined) return;
  const accept = async (wire: Uint8Array) => {
    const brokerUrl = await brokerForGateways(site, config.broker.url);
    const carry = (store: Store, gateway: string) => carryConfiguration({ ...site, store }, gateway, clock);
    const answer = await acceptInvited({ site, wire, brokerUrl, carry, clock });
    onChange();
    return answer;
  };
  await new EnrolmentServer({ site, config, settings, accept, clock, log }).run(stop.signal);
}

/** Says goodbye, and lets what came in until then be stored and acknowledged. */
async function stopServices(
  core: Core,
  link: Link,
  { receipts, intake, chunks, renewals }: Services,
): Promise<void> {
  receipts.flush();
  await link.close([backendState('offline', core.site.name, core.session.current, core.clock)]);
  await intake.idle();
  await renewals.idle();
  receipts.flush();
  await chunks.close();
}
