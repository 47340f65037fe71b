import type { BackendConfig } from '#config/schema.ts';
import type { Reported } from '#protocol/messages.ts';
import { siteTopics } from '#protocol/topics.ts';
import { installedVersion } from '#runtime/installed-version.ts';
import { connectLink, type Link, type LinkCredentials } from '#runtime/link.ts';
import { AlertService } from './alerts/alert-service.ts';
import { AuditService } from './auditor/audit-service.ts';
import { CommandService } from './command/command-service.ts';
import { ConfigurationService } from './configuration/configuration-service.ts';
import type { Core } from './core.ts';
import { Intake } from './decryption/intake.ts';
import type { Processor } from './decryption/processor.ts';
import { ReceiptSender } from './decryption/receipt-sender.ts';
import { RefusalLog } from './decryption/refusal-log.ts';
import { SettledReceipts } from './decryption/settled-receipts.ts';
import { ChunkServer } from './deployment/chunk-server.ts';
import { DeploymentService } from './deployment/deployment-service.ts';
import { RenewalService } from './enrolment/renewal-service.ts';
import { DiscoveryPublisher } from './home-assistant/discovery-publisher.ts';
import { GatewayListener } from './results/gateway-listener.ts';
import { ResultPublisher } from './results/result-publisher.ts';
import { RekeyService } from './rollout/rekey-service.ts';
import { RolloutService } from './rollout/rollout-service.ts';
import { SoftwareService } from './software/software-service.ts';
import type { DeploymentRecord } from './store/deployments.ts';
import { TrustService } from './trust/trust-service.ts';

/** All that speaks over the link of a process; what its roles do not need of it lies still. */
export type Services = ReturnType<typeof makeServices>;

/** Of a message to gateways, at most. */
export const maxMessageBytes = ({ broker }: BackendConfig): number => broker.maxMessageKilobytes * 1024;

/** The connection of this process to the broker. The one with the API is that of the backend: gateways go by whether it is there. */
export function openLink(core: Core, credentials: LinkCredentials): Link {
  const { config, roles, presence, clock, log } = core;
  const own = ['deployer', 'auditor'].filter((role) => roles.has(role as 'deployer' | 'auditor'));
  return connectLink({
    url: config.broker.url,
    ...credentials,
    clientId: roles.has('api') ? 'backend' : `backend-${own.join('-')}`,
    clock,
    log,
    ...(roles.has('api') && { will: () => presence.will() }),
  });
}

/** Everything that speaks over the link. */
export function makeServices(core: Core, link: Link, processor: Processor | null) {
  const { config, clock, log, site, view, disk, hub, onChange } = core;
  const { signHours, validDays } = config.freshness;
  const common = { store: site.store, site: site.name, link, clock, log };
  const receipts = new ReceiptSender({ site: site.name, link, clock, log });
  return {
    receipts,
    settledReceipts: core.queue && new SettledReceipts({ store: site.store, receipts, clock, log }),
    results: new ResultPublisher({
      ...common,
      view,
      onLeft: (result) => {
        hub.publish({ type: 'result', data: result });
        if (core.together !== null) onChange();
      },
      settledElsewhere: core.together !== null,
    }),
    deployments: new DeploymentService({
      ...common,
      onChange,
      onRelease: (release) => (processor === null ? undefined : prepareKey(core, release)),
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
      onStored: () => processor?.wake(),
      ...(disk !== null && { isDiskLow: disk.isLow }),
      ...(core.queue !== null && { queue: core.queue }),
      traces: core.traces,
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

/** Subscribes to what the roles of this process hear. */
export function listen(core: Core, link: Link, services: Services): void {
  const { config, clock, log, roles, site, view, onChange } = core;
  const { intake, chunks, deployments, configurations, software, commands, trust } = services;
  const { store, name } = site;
  const topics = siteTopics(name);
  if (roles.has('api')) {
    // Without a receipt they come again: whatever a broker keeps and repeats of them besides is work for nothing.
    link.subscribe(topics.inferences, intake.receive, { qos: 0 });
    services.alerts.listen();
    core.presence.listen(link);
  }
  if (roles.has('deployer')) {
    link.subscribe(topics.anyGateway('bundle/request'), chunks.receive);
    link.subscribe(topics.anyGateway('certificate/request'), services.renewals.receive);
    commands.listen();
  }
  if (roles.has('auditor')) services.audits.listen();
  const reported = async (gateway: string, report: Reported) => {
    if (roles.has('deployer')) {
      await deployments.reported(gateway, report);
      await configurations.reported(gateway, report);
      await software.reported(gateway, report);
      await commands.gatewayUp(gateway);
    }
    if (roles.has('auditor')) await services.audits.gatewayUp(gateway);
    if (roles.has('api') && report.trust !== undefined) await store.gateways.setTrust(gateway, report.trust);
  };
  const listener = new GatewayListener({ store, site: name, view, reported, clock, log, onChange });
  if (roles.has('api')) listener.listen(link);
  else listener.listenToReports(link);
  // Only now, with every subscription granted, may gateways think that somebody listens.
  link.onUp(async () => {
    view.setBroker(true, `connected to ${config.broker.url}`);
    onChange();
    if (roles.has('api')) await apiLinkUp(core, link, services);
    // First: gateways judge the others by it.
    if (roles.has('deployer')) await trust.linkUp();
    if (roles.has('auditor')) await services.audits.linkUp();
    if (!roles.has('deployer')) return;
    await deployments.linkUp();
    await configurations.linkUp();
    await software.linkUp();
  });
  link.onDown((reason) => {
    view.setBroker(false, reason.message);
    onChange();
  });
}

async function apiLinkUp({ presence, stop }: Core, link: Link, services: Services): Promise<void> {
  await presence.say(link);
  services.results.linkUp(stop.signal);
  services.alerts.linkUp();
}

/** Says goodbye, and lets what came in until then be stored and acknowledged. */
export async function stopServices(
  core: Core,
  link: Link,
  { receipts, intake, chunks, renewals }: Services,
): Promise<void> {
  receipts.flush();
  await link.close(core.roles.has('api') ? [core.presence.leave()] : []);
  await intake.idle();
  await renewals.idle();
  receipts.flush();
  await chunks.close();
}
