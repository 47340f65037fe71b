import { vi } from 'vitest';
import { StreamQueue } from '#backend/queue/stream-queue.ts';
import type { Database } from '#backend/store/database.ts';
import { migrate } from '#backend/store/migrations.ts';
import { Store } from '#backend/store/store.ts';
import { nats, natsCluster } from '#broker/testing/contract-brokers.ts';
import { systemClock } from '#runtime/clock.ts';
import { createLogger } from '#runtime/log.ts';
import { makeNatsPlace } from './nats-place.ts';
import { QUEUE_BOUND, type QueueBench } from './queue-contract.ts';

const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });

/** A queue in JetStream. @param servers one, or three that each have everything */
export async function makeStreamBench(open: () => Promise<Database>, servers: 1 | 3): Promise<QueueBench> {
  const database = await open();
  await migrate(database);
  const place = await makeNatsPlace('yard');
  const at = { folder: place.folder, site: 'yard', maxMessageKilobytes: 256 };
  const cluster = servers === 3 ? await natsCluster(at) : null;
  const server = servers === 1 ? await nats(at) : null;
  const { items, siteBytes } = QUEUE_BOUND;
  const bounds = { maxPerGateway: items, maxBytes: siteBytes, replicas: servers };
  const settings = place.settings(cluster?.clientPorts ?? [server!.clientPort!], bounds);
  const ends: (() => Promise<void>)[] = [];
  return {
    async worker() {
      const queue = new StreamQueue({ settings, clock: systemClock, log });
      const stop = new AbortController();
      const running = queue.run(stop.signal);
      await vi.waitFor(() => queue.state(), { timeout: 60_000, interval: 50 });
      const die = async () => {
        stop.abort();
        await running;
      };
      ends.push(die);
      return { store: new Store(database, {}, queue), queue, die };
    },
    async close() {
      for (const end of ends) await end();
      await server?.stop();
      await cluster?.stop();
      await place.remove();
      await database.close();
    },
  };
}
