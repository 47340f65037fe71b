import { StreamLink } from '#backend/queue/stream-link.ts';
import { readStreamSettings } from '#backend/queue/stream-settings.ts';
import { withSite } from '#backend/site-folder.ts';
import type { Store } from '#backend/store/store.ts';
import { changeSettings } from '#demo/settings.ts';
import type { CitySite } from './city-site.ts';

export type CityQueueKind = 'inbox' | 'jetstream';

/** Where envelopes of a city wait to be settled. */
export type CityQueue = {
  /** How many. */
  waiting(store: Store): Promise<number>;
  /** Makes servers of NATS lose about this share of them, which they had acknowledged. @returns how many */
  lose(share: number): Promise<number>;
};

/** Writes into the backend's settings where envelopes wait. @param clientPorts of the servers of NATS */
export async function useCityQueue(
  kind: CityQueueKind,
  { data, backendConfig }: CitySite,
  clientPorts: readonly number[],
): Promise<CityQueue> {
  if (kind === 'inbox') return { waiting: ({ inbox }) => inbox.count(), lose: async () => 0 };
  const servers = clientPorts.map((port) => `tls://localhost:${port}`);
  const queue = { kind, servers, replicas: servers.length };
  await changeSettings(backendConfig, [[['queue'], queue]]);
  const settings = await withSite(data, (_site, config) => readStreamSettings(config));
  return {
    async waiting({ inbox }) {
      const link = await StreamLink.open(settings!);
      try {
        const { state } = await link.manager.streams.info(link.stream);
        return state.messages + (await inbox.count());
      } finally {
        await link.close();
      }
    },
    async lose(share) {
      const link = await StreamLink.open(settings!);
      try {
        const { state } = await link.manager.streams.info(link.stream);
        let lost = 0;
        for (let seq = state.first_seq; seq <= state.last_seq && state.messages > 0; seq++)
          if (Math.random() < share)
            lost += Number(await link.manager.streams.deleteMessage(link.stream, seq).catch(() => false));
        return lost;
      } finally {
        await link.close();
      }
    },
  };
}
