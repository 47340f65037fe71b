import { dirname } from 'node:path';
import type { BackendConfig } from '#config/schema.ts';
import type { BackendState, Result } from '#protocol/messages.ts';
import { siteTopics } from '#protocol/topics.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import { connectLink, type Link, type LinkCredentials } from '#runtime/link.ts';
import { readLinkCredentials } from '#runtime/link-credentials.ts';
import type { Logger } from '#runtime/log.ts';
import { EventHub } from './api/event-hub.ts';
import { readToken } from './api/security.ts';
import { startApi } from './api/server.ts';
import { answerLimits } from './decryption/answer-bounds.ts';
import { Decryptor } from './decryption/decryptor.ts';
import { Intake } from './decryption/intake.ts';
import { Processor } from './decryption/processor.ts';
import { ReceiptSender } from './decryption/receipt-sender.ts';
import { RefusalLog } from './decryption/refusal-log.ts';
import { ChunkServer } from './deployment/chunk-server.ts';
import { DeploymentService } from './deployment/deployment-service.ts';
import { GatewayListener } from './results/gateway-listener.ts';
import { ResultPublisher } from './results/result-publisher.ts';
import { removeOldResults } from './results/retention.ts';
import { SiteView } from './results/site-view.ts';
import { BACKEND_SESSION, openSite, type Site } from './site.ts';
import { isDiskLow } from './store/disk-low.ts';
import { heldBound } from './store/held.ts';
import { StoreWatch } from './store/store-watch.ts';

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
  /** Finishes what is at hand, says goodbye and ends; resolves when all is durable and closed. */
  close(): Promise<void>;
};

function openLink(
  config: BackendConfig,
  credentials: LinkCredentials,
  session: { current: number },
  site: Site,
  clock: Clock,
  log: Logger,
): Link {
  return connectLink({
    url: config.broker.url,
    ...credentials,
    clientId: 'backend',
    clock,
    log,
    will: async () => {
      session.current = await site.store.settings.next(BACKEND_SESSION);
      return {
        topic: siteTopics(site.name).backendState,
        payload: stateMessage('offline', session.current, clock),
        retain: true,
      };
    },
  });
}

function stateMessage(state: BackendState['state'], session: number, clock: Clock): string {
  const message: BackendState = { state, session, time: new Date(clock.now()).toISOString() };
  return JSON.stringify(message);
}

/**
 * Starts the backend: inbox, decryption, deployment, results and API. It runs without a broker too, and says so.
 *
 * @throws BlindsightError where site, key, token or API address do not allow a start; the broker never is a reason.
 */
export async function runBackend(options: BackendOptions): Promise<RunningBackend> {
  const { config, signal, clock = systemClock } = options;
  const folder = config.store.kind === 'sqlite' ? dirname(config.store.file) : null;
  const disk = folder === null ? null : { folder, isLow: () => isDiskLow(folder) };
  const watch = new StoreWatch({ clock, log: options.log, disk });
  const { log } = watch;
  const token = await readToken(config.api.host, config.api.tokenFile);
  const owner = { name: 'backend', setting: 'the only name of a backend', site: config.site };
  const credentials = await readLinkCredentials(config.broker, owner);
  const site = await openSite(config, watch.failed);
  const { store } = site;
  const stop = new AbortController();
  const view = new SiteView(site.name, store, clock, options.commandLine);
  await view.load();
  const failed = (error: unknown) => log.error({ err: error }, 'the store did not answer');
  const snapshot = () => watch.state(() => view.snapshot());
  const hub = new EventHub(snapshot, failed);
  const onChange = () => hub.stateChanged();
  watch.onChange(onChange);
  const decryptor = new Decryptor(site);

  const session = { current: 0 };
  let api: Awaited<ReturnType<typeof startApi>>;
  let processor: Processor;
  try {
    processor = new Processor({
      store,
      site: site.name,
      decryptor,
      limits: answerLimits(config),
      heldBound: heldBound(config),
      clock,
      log,
      onResult: (result: Result) => {
        results.publish(result);
        hub.publish({ type: 'result', data: result });
        onChange();
      },
      onChange,
    });
    api = await startApi({
      store,
      snapshot,
      isStuck: () => processor.isStuck,
      trouble: () => watch.trouble,
      broker: () => view.broker,
      hub,
      clock,
      log,
      host: config.api.host,
      port: config.api.port,
      token,
    });
  } catch (error) {
    hub.close();
    await site.close();
    throw error;
  }

  const link = openLink(config, credentials, session, site, clock, log);
  const results = new ResultPublisher({
    site: site.name,
    store,
    link,
    view,
    clock,
    log,
    onLeft: (result) => hub.publish({ type: 'result', data: result }),
  });
  const deployments = new DeploymentService({
    store,
    site: site.name,
    link,
    clock,
    log,
    onChange,
    // Unsealing a key and making SEAL's tables takes a second: not while the first answer waits.
    onRelease: ({ model, version }) => {
      store.models
        .get(model, version)
        .then((record) => (record === null || stop.signal.aborted ? undefined : decryptor.prepare(record)))
        .catch((error: unknown) => {
          if (!stop.signal.aborted) log.warn({ err: error, model }, 'the key of a model cannot be opened');
        });
    },
  });
  const chunks = new ChunkServer({ store, blobs: site.blobs, site: site.name, link, clock, log });
  const receipts = new ReceiptSender({ site: site.name, link, clock, log });
  const intake = new Intake({
    store,
    receipts,
    clock,
    log,
    refusals: new RefusalLog(store, clock, log),
    onStored: () => processor.wake(),
    ...(disk !== null && { isDiskLow: disk.isLow }),
  });
  const topics = siteTopics(site.name);
  link.subscribe(topics.inferences, intake.receive);
  link.subscribe(topics.anyGateway('bundle/request'), chunks.receive);
  new GatewayListener({ store, site: site.name, view, deployments, clock, log, onChange }).listen(link);
  // Only now, with every subscription granted, may gateways think that somebody listens.
  link.onUp(async () => {
    view.setBroker(true, `connected to ${config.broker.url}`);
    onChange();
    await link.publish(topics.backendState, stateMessage('online', session.current, clock), { retain: true });
    results.linkUp(stop.signal);
    await deployments.linkUp();
  });
  link.onDown((reason) => {
    view.setBroker(false, reason.message);
    onChange();
  });

  const loops = [
    watch.run(store, stop.signal),
    processor.run(stop.signal),
    deployments.run(stop.signal),
    results.run(stop.signal),
    removeOldResults({ store, days: config.resultsDays, clock, log }, stop.signal),
  ];
  let closing: Promise<void> | null = null;
  const closeAll = async () => {
    receipts.flush();
    await link.close([
      {
        topic: topics.backendState,
        payload: stateMessage('offline', session.current, clock),
        retain: true,
      },
    ]);
    await intake.idle();
    receipts.flush();
    await chunks.close();
    stop.abort();
    await Promise.all(loops);
    await decryptor.close();
    await api.close();
    await site.close();
    log.info('backend closed');
  };
  const close = () => {
    closing ??= closeAll();
    return closing;
  };
  signal.addEventListener('abort', () => void close().catch(failed), { once: true });
  if (signal.aborted) void close().catch(failed);
  log.info({ port: api.port }, `backend of site ${site.name} runs; page on port ${api.port}`);
  return { port: api.port, close };
}
