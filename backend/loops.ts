import type { SiteState } from '#protocol/api.ts';
import { carryConfiguration } from './configuration/push-configuration.ts';
import type { Core } from './core.ts';
import type { Processor } from './decryption/processor.ts';
import { brokerForGateways } from './enrolment/broker-for-gateways.ts';
import { CertificateWatch } from './enrolment/certificate-watch.ts';
import { EnrolmentServer } from './enrolment/enrolment-server.ts';
import type { AnswerFollower } from './follow/answer-follower.ts';
import { FollowService } from './follow/follow-service.ts';
import { RollUps } from './history/roll-ups.ts';
import { LeakWatch } from './leak/leak-watch.ts';
import { acceptInvited } from './operations/accept-enrolment.ts';
import { reprotectGateway } from './operations/reprotect-gateway.ts';
import { setAside } from './queue/set-aside.ts';
import { type RetentionOptions, removeOldResults } from './results/retention.ts';
import { maxMessageBytes, type Services } from './services.ts';
import type { Store } from './store/store.ts';

/** A decryptor learns from the store alone that something came. */
const LOOK_MS = 50;

/** Starts what the roles of this process do until `core.stop` aborts. */
export function startLoops(
  core: Core,
  processor: Processor | null,
  services: Services | null,
): Promise<void>[] {
  const { roles, site, watch, stop } = core;
  return [
    watch.run(site.store, stop.signal),
    ...(processor === null ? [] : decryptorLoops(core, processor)),
    ...(services !== null && roles.has('api') ? apiLoops(core, services) : []),
    ...(services !== null && roles.has('deployer') ? deployerLoops(core, services) : []),
    ...(services !== null && roles.has('auditor') ? auditorLoops(core, services) : []),
  ];
}

function decryptorLoops(
  { together, clock, log, site, stop, failed, queue }: Core,
  processor: Processor,
): Promise<void>[] {
  queue?.onArrival(() => processor.wake());
  const aside = queue === null ? [] : [setAside({ store: site.store, queue, clock, log }, stop.signal)];
  if (together === null) return [processor.run(stop.signal), ...aside];
  const look = async () => {
    while (!stop.signal.aborted) {
      processor.wake();
      await clock.sleep(LOOK_MS, stop.signal).catch(() => {});
    }
  };
  const { shards, heard } = together;
  return [
    // Where the store does not answer, they are free when their lease runs out.
    Promise.all([processor.run(stop.signal), shards.run(stop.signal)]).then(() =>
      shards.leave().catch(failed),
    ),
    heard.send(stop.signal),
    look(),
    ...aside,
  ];
}

function apiLoops(core: Core, services: Services): Promise<void>[] {
  const { config, clock, log, site, view, stop, onChange, disk, together } = core;
  const { store } = site;
  const onLook = (ending: SiteState['endingCertificates']) => {
    view.setEndingCertificates(ending);
    onChange();
  };
  return [
    new CertificateWatch({ site, config, clock, log, onLook }).run(stop.signal),
    enrol(core),
    services.alerts.run(stop.signal),
    services.results.run(stop.signal),
    ...(services.settledReceipts === null ? [] : [services.settledReceipts.run(stop.signal)]),
    core.rules.run(stop.signal),
    new FollowService({ store, followers: makeFollowers(core), clock, log }).run(stop.signal),
    services.homeAssistant.run(stop.signal),
    removeOldResults({ store, ...resultBounds({ config, disk }), clock, log }, stop.signal),
    ...(together === null ? [] : [together.decryptors.run(stop.signal)]),
  ];
}

function deployerLoops(core: Core, services: Services): Promise<void>[] {
  const { deployments, configurations, software, commands, rollouts, rekeys, trust } = services;
  const { config, clock, log, site, stop, onChange } = core;
  const { store } = site;
  const reprotect = async (gateway: string, reason: string, model: string) => {
    const releases = await store.deployments.currentOf(gateway);
    const network = releases.find((one) => one.model === model)?.beside ? model : undefined;
    return reprotectGateway({
      ...{ site, gateway, network, reason, clock, signal: stop.signal },
      maxMessageBytes: maxMessageBytes(config),
    });
  };
  return [
    deployments.run(stop.signal),
    configurations.run(stop.signal),
    software.run(stop.signal),
    rollouts.run(stop.signal),
    rekeys.run(stop.signal),
    commands.run(stop.signal),
    trust.run(stop.signal),
    new LeakWatch({ store, clock, log, onChange, reprotect }).run(stop.signal),
  ];
}

function auditorLoops({ together, stop }: Core, { audits }: Services): Promise<void>[] {
  const heard = audits.heard.bind(audits);
  return [
    audits.run(stop.signal),
    ...(together === null ? [] : [together.heard.receive(stop.signal, heard)]),
  ];
}

/** How long results are kept, and how many. */
function resultBounds({
  config,
  disk,
}: Pick<Core, 'config' | 'disk'>): Pick<RetentionOptions, 'days' | 'megabytes' | 'folder' | 'lateHours'> {
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
