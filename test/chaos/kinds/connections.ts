import { randomUUID } from 'node:crypto';
import { copyFile, readFile, rename } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { isUnwritable } from '../is-unwritable.ts';
import type { Kind } from '../kind.ts';
import type { World } from '../world.ts';

const MOST_CONNECTIONS = 200;

/** What happens to certificates and to the door of the broker. */
export const CONNECTION_KINDS: readonly Kind[] = [
  {
    name: 'storm',
    what: 'up to 200 connections at once come to the broker: silent, with nonsense, and with the certificate of a gateway',
    targets: ['broker'],
    lasts: [500, 5_000],
    strike: async (world, { ms, amount }, signal) => {
      const sockets = await storm(world, Math.round(20 + (MOST_CONNECTIONS - 20) * amount));
      await delay(ms, undefined, { signal }).catch(() => {});
      for (const socket of sockets) socket.destroy();
    },
  },
  {
    name: 'certificate-expired',
    what: 'a gateway comes with a certificate that has expired, and gets a valid one some seconds later',
    targets: ['gateway'],
    lasts: [1_000, 6_000],
    strike: async ({ gateways }, { target, ms }, signal) => {
      gateways.get(target)!.tell({ certificate: 'expired' });
      await delay(ms, undefined, { signal }).catch(() => {});
      gateways.get(target)!.tell({ certificate: 'gateway' });
    },
  },
  {
    name: 'broker-certificate-expired',
    what: 'the broker is started with a certificate that has expired, and gets a valid one some seconds later',
    targets: ['broker'],
    lasts: [1_000, 6_000],
    strike: async ({ processes, folder, brokerCertificate: file }, { target, ms }, signal) => {
      const use = async (which: 'expired' | 'valid') => {
        try {
          // Servers of NATS share it: two may be at it at once.
          const written = `${file}.${randomUUID()}`;
          await copyFile(join(folder, 'broker-certificates', `${which}.pem`), written);
          await rename(written, file);
        } catch (error) {
          if (!isUnwritable(error)) throw error;
        }
      };
      await use('expired');
      processes.get(target)!.signal('SIGKILL');
      await delay(ms, undefined, { signal }).catch(() => {});
      await use('valid');
      // NATS reads it when it starts, and no sooner.
      if (target !== 'broker') processes.get(target)!.signal('SIGKILL');
    },
  },
];

async function storm({ brokerPort, site }: World, count: number): Promise<readonly Socket[]> {
  const { ca, certificate, key } = site.gateways[0]!.credentials;
  const garbage = await readFile(site.brokerConfig);
  return Array.from({ length: count }, (_, i) => {
    const where = { host: '127.0.0.1', port: brokerPort };
    const isTls = i % 2 === 0;
    const socket: Socket = isTls
      ? connectTls({ ...where, ca: ca!, ...(i % 4 === 0 && { cert: certificate!, key: key! }) })
      : connect(where);
    socket.on('error', () => {});
    if (i % 4 === 1) socket.once('connect', () => socket.write(garbage));
    return socket;
  });
}
