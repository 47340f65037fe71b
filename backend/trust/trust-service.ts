import { signTimestamp, type Timestamp } from '#protocol/timestamp.ts';
import { gatewayTopics } from '#protocol/topics.ts';
import { encodeTrust } from '#protocol/trust-message.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Link } from '#runtime/link.ts';
import type { Logger } from '#runtime/log.ts';
import { NewestPublisher } from '../newest-publisher.ts';
import { openOwnerKey } from '../owner-keys/owner-key.ts';
import { ownerKeyList } from '../owner-keys/owner-key-list.ts';
import { rootIntroduction } from '../owner-keys/root-key.ts';
import type { Site } from '../site.ts';
import type { DeploymentRecord } from '../store/deployments.ts';
import type { ModelRecord } from '../store/models.ts';

export type TrustServiceOptions = {
  readonly site: Pick<Site, 'name' | 'store' | 'vault'>;
  readonly link: Pick<Link, 'publish' | 'connected'>;
  /** How often what is newest is signed anew although nothing changed, in ms. */
  readonly signMs: number;
  /** How long a gateway believes it, in ms. */
  readonly validMs: number;
  readonly clock: Clock;
  readonly log: Logger;
};

type Newest = Pick<Timestamp, 'release' | 'networks' | 'configuration' | 'software' | 'ownerKeys'>;
type Signed = { readonly gateway: string; readonly id: string; readonly wire: Uint8Array };
type Kept = Signed & { readonly newest: string; readonly signedMs: number };

/** Setting of the store: the number of the last timestamp. */
const NUMBER = 'timestamp-number';

/**
 * Keeps what is retained on `trust` for every gateway fresh: which keys the owner signs with, and the counters of what is newest, signed anew
 * whenever something changes and else in an interval.
 */
export class TrustService {
  readonly #options: TrustServiceOptions;
  readonly #publisher: NewestPublisher<Signed>;
  readonly #kept = new Map<string, Kept>();

  constructor(options: TrustServiceOptions) {
    this.#options = options;
    const { site } = options;
    this.#publisher = new NewestPublisher({
      ...options,
      store: site.store,
      noun: 'a timestamp',
      topicOf: (gateway) => gatewayTopics(site.name, gateway).trust,
      current: () => this.#current(),
      idOf: ({ id }) => id,
      wireOf: ({ wire }) => wire,
      onPublished: () => {},
    });
  }

  /** A new connection: everything is published again. */
  linkUp(): Promise<void> {
    return this.#publisher.linkUp();
  }

  /** Looks for what changed until the signal aborts. */
  run(signal: AbortSignal): Promise<void> {
    return this.#publisher.run(signal);
  }

  /** Publishes what is newest now. */
  publishTrust(): Promise<void> {
    return this.#publisher.publish();
  }

  async #current(): Promise<Signed[]> {
    const { site, clock, signMs } = this.#options;
    const { store } = site;
    const nowMs = clock.now();
    const releases = Map.groupBy(await store.deployments.current(), ({ gateway }) => gateway);
    const retired = (await store.models.list()).filter(({ retirement }) => retirement !== null);
    const configurations = new Map(
      (await store.configurations.current()).map((one) => [one.gateway, one.version]),
    );
    const software = new Map((await store.software.current()).map((one) => [one.gateway, one.counter]));
    const ownerKeys = (await ownerKeyList(store))?.statement.version ?? 0;
    const enrolled = await store.gateways.list();
    const gateways = enrolled.map(({ name }) => name);
    const due: [string, Newest][] = [];
    for (const { name: gateway, several } of enrolled) {
      const all = releases.get(gateway) ?? [];
      const inService = all.filter((one) => one.beside && !retired.some((model) => isOf(one, model)));
      const newest: Newest = {
        release: all.find(({ beside }) => !beside)?.counter ?? 0,
        // Software of before refuses what it does not know.
        ...(several && inService.length > 0 && { networks: countersOf(inService) }),
        configuration: configurations.get(gateway) ?? 0,
        software: software.get(gateway) ?? 0,
        ownerKeys,
      };
      const kept = this.#kept.get(gateway);
      // Also where the clock was set back.
      const isFresh = kept !== undefined && Math.abs(nowMs - kept.signedMs) < signMs;
      if (!isFresh || kept.newest !== JSON.stringify(newest)) due.push([gateway, newest]);
    }
    if (due.length > 0) await this.#sign(due, nowMs);
    for (const gateway of this.#kept.keys()) if (!gateways.includes(gateway)) this.#kept.delete(gateway);
    return [...this.#kept.values()];
  }

  async #sign(due: readonly [string, Newest][], nowMs: number): Promise<void> {
    const { site, validMs } = this.#options;
    const { store, vault } = site;
    const ownerKey = await openOwnerKey(store, vault);
    const list = await ownerKeyList(store);
    const introduction = await rootIntroduction(store);
    const number = await this.#nextNumber(nowMs);
    for (const [gateway, newest] of due) {
      // Read after the counters: a list that was replaced meanwhile is signed in the next round.
      if (newest.ownerKeys !== (list?.statement.version ?? 0)) continue;
      const timestamp = signTimestamp(
        {
          schema: 1,
          site: site.name,
          gateway,
          number,
          timeMs: nowMs,
          expiresMs: nowMs + validMs,
          ...newest,
        },
        ownerKey,
      );
      const wire = encodeTrust({ introduction, ownerKeys: list?.wire ?? null, timestamp });
      this.#kept.set(gateway, {
        gateway,
        id: String(number),
        wire,
        newest: JSON.stringify(newest),
        signedMs: nowMs,
      });
    }
  }

  /** Above all before, also those that a restored store has forgotten: the time in seconds, or one more than the last. */
  #nextNumber(nowMs: number): Promise<number> {
    return this.#options.site.store.transaction(async ({ settings }) => {
      const last = Number((await settings.get(NUMBER)) ?? '0');
      const number = Math.max(last + 1, Math.floor(nowMs / 1000));
      await settings.set(NUMBER, String(number));
      return number;
    });
  }
}

function isOf(release: DeploymentRecord, { name, version }: ModelRecord): boolean {
  return release.model === name && release.version === version;
}

function countersOf(releases: readonly DeploymentRecord[]): Record<string, number> {
  return Object.fromEntries(releases.map(({ model, counter }) => [model, counter]));
}
