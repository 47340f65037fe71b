import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import type { BackendConfig } from '#config/schema.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import { openTracer } from '#runtime/tracing/open-tracer.ts';
import { EventHub } from './api/event-hub.ts';
import { RemoteAuditor } from './auditor/remote-auditor.ts';
import { openSelectionKey, Selection } from './auditor/selection.ts';
import { BackendPresence } from './backend-presence.ts';
import { Decryptor } from './decryption/decryptor.ts';
import { EnvelopeTraces } from './decryption/envelope-traces.ts';
import { LocalTime } from './events/local-time.ts';
import { Situations } from './events/situations.ts';
import { AnswerMetrics } from './metrics/answer-metrics.ts';
import { StreamQueue } from './queue/stream-queue.ts';
import { readStreamSettings } from './queue/stream-settings.ts';
import { SiteView } from './results/site-view.ts';
import type { BackendRole } from './roles/backend-roles.ts';
import { DecryptorWatch } from './roles/decryptor-watch.ts';
import { GatewayShards } from './roles/gateway-shards.ts';
import { HeardRelay } from './roles/heard-relay.ts';
import { RoleLeases } from './roles/role-leases.ts';
import { Rules } from './rules/rules.ts';
import { openSite, type Site } from './site.ts';
import { isDiskLow } from './store/disk-low.ts';
import { StoreWatch } from './store/store-watch.ts';

/** What all parts of the backend share. */
export type Core = Awaited<ReturnType<typeof openCore>>;

export type CoreOptions = {
  readonly config: BackendConfig;
  readonly log: Logger;
  readonly roles: ReadonlySet<BackendRole>;
  /** How a command for this site is written, see `SiteState`. */
  readonly commandLine?: string | undefined;
  readonly clock?: Clock | undefined;
};

/** Opens the site, and makes what speaks to nobody yet. */
export async function openCore({ config, log: outer, roles, clock = systemClock, commandLine }: CoreOptions) {
  const folder = config.store.kind === 'sqlite' ? dirname(config.store.file) : null;
  const disk = folder === null ? null : { folder, isLow: () => isDiskLow(folder) };
  const watch = new StoreWatch({ clock, log: outer, disk });
  const { log } = watch;
  const settings = await readStreamSettings(config);
  // Where envelopes wait, if not in the store.
  const queue = settings && new StreamQueue({ settings, clock, log, onTrouble: watch.failed });
  const site = await openSite(config, watch.failed, queue);
  const onChange = () => hub.stateChanged();
  const localTime = new LocalTime(config.timeZone);
  const answersAbout = (camera: string, region: string | undefined) => view.answersAbout(camera, region);
  const situations = new Situations({ clock, settings: config.events, localTime, answersAbout, onChange });
  const { share, lateShare } = config.audit;
  const view = new SiteView(site.name, site.store, clock, commandLine, share, (camera) =>
    situations.of(camera),
  );
  const selectionKey = await openSelectionKey(site.store, site.vault, clock.now());
  const failed = (error: unknown) => log.error({ err: error }, 'the store did not answer');
  const snapshot = () => watch.state(() => view.snapshot());
  const rules = new Rules({
    ...{ clock, log, settings: config.events, timeZone: localTime.timeZone, answersAbout, onChange },
    snapshot: () => view.snapshot(),
  });
  const hub = new EventHub(snapshot, failed);
  watch.onChange(onChange);
  const service = { name: 'backend', site: site.name, roles: [...roles].join(' ') } as const;
  const tracer = await openTracer(config.tracing, { service, clock, log });
  return {
    ...{
      config,
      clock,
      log,
      disk,
      watch,
      site,
      queue,
      view,
      situations,
      rules,
      failed,
      snapshot,
      hub,
      onChange,
    },
    ...{ roles, together: config.store.kind === 'sqlite' ? null : makeTogether(site, roles, clock, log) },
    decryptor: new Decryptor(site),
    tracer,
    traces: tracer && new EnvelopeTraces({ tracer, site: site.name, clock }),
    answers: new AnswerMetrics(),
    remoteAuditor: config.audit.auditor === 'process' ? new RemoteAuditor(clock) : null,
    selection: new Selection({ store: site.store, key: selectionKey, share, lateShare }),
    /** Ends the loops. */
    stop: new AbortController(),
    presence: new BackendPresence(site, clock),
  };
}

/** How this process shares the work with others on the same store. */
function makeTogether({ store }: Site, roles: ReadonlySet<BackendRole>, clock: Clock, log: Logger) {
  const holder = `${hostname()}/${process.pid}/${randomBytes(6).toString('hex')}`;
  const single = (['api', 'deployer', 'auditor'] as const).filter((role) => roles.has(role));
  return {
    shards: new GatewayShards({ ...{ store, clock, log }, holder: `${holder}/decryptor` }),
    leases: new RoleLeases({ leases: store.leases, holder: `${holder}/roles`, roles: single, clock, log }),
    heard: new HeardRelay({ store, clock, log }),
    decryptors: new DecryptorWatch({ leases: store.leases, clock, log }),
  };
}
