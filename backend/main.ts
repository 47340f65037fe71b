import type { BackendConfig } from '#config/schema.ts';
import type { BlindsightError } from '#protocol/errors.ts';
import type { Clock } from '#runtime/clock.ts';
import { readLinkCredentials } from '#runtime/link-credentials.ts';
import type { Logger } from '#runtime/log.ts';
import { readToken } from './api/security.ts';
import { startApi } from './api/server.ts';
import { type Core, openCore } from './core.ts';
import { answerLimits } from './decryption/answer-bounds.ts';
import { Processor } from './decryption/processor.ts';
import { startLoops } from './loops.ts';
import { ALL_ROLES, type BackendRole } from './roles/backend-roles.ts';
import { listen, makeServices, maxMessageBytes, openLink, type Services, stopServices } from './services.ts';
import { heldBound } from './store/held.ts';

export type BackendOptions = {
  readonly config: BackendConfig;
  readonly log: Logger;
  /** Closes the backend, as `close` does. */
  readonly signal: AbortSignal;
  /** What this process does of it, as `rolesOf` gives it; by default, everything. */
  readonly roles?: ReadonlySet<BackendRole>;
  /** Called now and then while another process has a role of this one. */
  readonly onStandby?: () => void;
  /** Another process has taken over a role of this one, which has to end at once and without a word. */
  readonly onTakenOver?: (error: BlindsightError) => void;
  /** How a command for this site is written, see `SiteState`. */
  readonly commandLine?: string;
  readonly clock?: Clock;
};

export type RunningBackend = {
  /** Where the API and the page are served; 0 where another process does. */
  readonly port: number;
  /** Whether what this process decrypts goes on. */
  isStuck(): boolean;
  /** Finishes current work, says goodbye and ends; resolves when everything is durable and closed. */
  close(): Promise<void>;
};

/**
 * Starts the backend, or some of its roles: inbox, decryption, deployment, results and API. It runs without a broker too, and says so.
 *
 * @throws BlindsightError if site, key, token or API address do not allow a start; the broker is never a reason. The signal's reason where it aborts before the start.
 */
export async function runBackend(options: BackendOptions): Promise<RunningBackend> {
  const { config, signal, roles = ALL_ROLES } = options;
  const token = await readToken(config.api.tokenFile);
  const owner = { name: 'backend', setting: 'the only name of a backend', site: config.site };
  const credentials = await readLinkCredentials(config.broker, owner);
  const core = await openCore({ ...options, roles });
  const { hub, site, log, together } = core;
  const leases = new AbortController();
  let leasing: Promise<void> | undefined;
  const giveUp = async (error: unknown) => {
    hub.close();
    leases.abort();
    await leasing;
    await together?.leases.leave().catch(() => {});
    await site.close();
    throw error;
  };
  await takeRoles(core, options).catch(giveUp);
  // From now on: what follows may take longer than a lease lasts.
  leasing = together?.leases.run(leases.signal, (error) => options.onTakenOver?.(error));
  if (roles.has('api')) await core.view.load().catch(giveUp);
  const processor: Processor | null = roles.has('decryptor') ? makeProcessor(core, () => services) : null;
  const api = roles.has('api') ? await serveApi(core, processor, token).catch(giveUp) : null;
  const link =
    roles.has('api') || roles.has('deployer') || roles.has('auditor') ? openLink(core, credentials) : null;
  const services: Services | null = link === null ? null : makeServices(core, link, processor);
  if (link !== null && services !== null) listen(core, link, services);

  const queueStop = new AbortController();
  const queueing = core.queue?.run(queueStop.signal);
  const loops = startLoops(core, processor, services);
  let closing: Promise<void> | null = null;
  const closeAll = async () => {
    if (link !== null && services !== null) await stopServices(core, link, services);
    core.stop.abort();
    await Promise.all(loops);
    // What was settled last is removed, too.
    await core.queue?.idle();
    queueStop.abort();
    await queueing;
    await core.decryptor.close();
    await core.tracer?.close();
    await api?.close();
    hub.close();
    leases.abort();
    await leasing;
    await together?.leases.leave().catch(core.failed);
    await site.close();
    log.info('backend closed');
  };
  const close = () => {
    closing ??= closeAll();
    return closing;
  };
  signal.addEventListener('abort', () => void close().catch(core.failed), { once: true });
  if (signal.aborted) void close().catch(core.failed);
  const what = roles.size === ALL_ROLES.size ? 'backend' : [...roles].join(', ');
  const where = api === null ? '' : `; page on port ${api.port}`;
  log.info({ port: api?.port, roles: [...roles] }, `${what} of site ${site.name} is running${where}`);
  const isStuck = () => isDecryptionStuck(core, processor);
  return { port: api?.port ?? 0, isStuck, close };
}

/** Waits for the roles that one process of a site has at a time. */
async function takeRoles({ together }: Core, { signal, onStandby = () => {} }: BackendOptions) {
  if (together !== null && !(await together.leases.take(signal, onStandby))) throw signal.reason;
}

function isDecryptionStuck({ together }: Core, processor: Processor | null): boolean {
  if (processor === null) return together?.decryptors.isGone ?? false;
  return processor.isStuck || (together?.shards.isStuck ?? false);
}

function makeProcessor(core: Core, services: () => Services | null): Processor {
  const { config, clock, log, site, hub, decryptor, selection, onChange, together } = core;
  return new Processor({
    store: site.store,
    site: site.name,
    decryptor,
    limits: answerLimits(config),
    audits: {
      consider: selection.consider.bind(selection),
      heard: (gateway, receivedMs) => {
        together?.heard.heard(gateway, receivedMs);
        services()?.audits.heard(gateway, receivedMs);
      },
    },
    acceptsReference: config.audit.acceptReference || config.audit.share === 0,
    heldBound: heldBound(config),
    audit: config.audit,
    clock,
    log,
    onResult: (result) => {
      services()?.results.publish(result);
      // Otherwise whoever publishes says so, of what others settle, too.
      if (together === null) hub.publish({ type: 'result', data: result });
      onChange();
    },
    onChange,
    ...(together !== null && { shards: together.shards }),
    traces: core.traces,
  });
}

function serveApi(core: Core, processor: Processor | null, token: string | null) {
  const { config, clock, log, site, view, watch, snapshot, hub } = core;
  return startApi({
    site,
    snapshot,
    isStuck: () => isDecryptionStuck(core, processor),
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
