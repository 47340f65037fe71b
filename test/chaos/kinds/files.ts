import { existsSync, readdirSync, statSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ChaosGateway } from '../chaos-gateway.ts';
import { isUnwritable } from '../is-unwritable.ts';
import type { Kind } from '../kind.ts';

/** Does something to the files of a gateway while it is dead. */
const whileDead =
  (change: (gateway: ChaosGateway, amount: number) => void): Kind['strike'] =>
  async ({ gateways }, { target, amount }) => {
    const gateway = gateways.get(target)!;
    await gateway.process.hold();
    try {
      change(gateway, amount);
    } catch (error) {
      if (!isUnwritable(error)) throw error;
    }
    gateway.process.letGo();
  };

function envelopes({ data }: ChaosGateway): readonly string[] {
  const folder = join(data, 'outbox');
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return names.filter((name) => name.endsWith('.envelope')).map((name) => join(folder, name));
}

/** What a crash leaves of files. */
export const FILE_KINDS: readonly Kind[] = [
  {
    name: 'outbox-damaged',
    what: 'a gateway is killed, and a stored answer is cut short: it must be dropped and counted',
    targets: ['gateway'],
    lasts: [0, 0],
    strike: whileDead((gateway, amount) => {
      const file = envelopes(gateway)[0];
      if (file !== undefined) truncateSync(file, Math.floor(statSync(file).size * amount));
    }),
  },
  {
    name: 'outbox-littered',
    what: 'a gateway is killed, and half-written and foreign files lie in its outbox',
    targets: ['gateway'],
    lasts: [0, 0],
    strike: whileDead((gateway, amount) => {
      const folder = join(gateway.data, 'outbox');
      if (!existsSync(folder)) return;
      writeFileSync(join(folder, '.0000000001.tmp'), Buffer.alloc(Math.round(10_000 * amount), 7));
      writeFileSync(join(folder, 'lost+found'), '');
    }),
  },
  {
    name: 'session-lost',
    what: 'a gateway is killed, and forgets the number of its session',
    targets: ['gateway'],
    lasts: [0, 0],
    strike: whileDead(({ data }) => {
      const file = join(data, 'session.count');
      if (existsSync(file)) unlinkSync(file);
    }),
  },
  {
    name: 'retained-torn',
    what: 'the broker is killed, and the end of what it keeps is cut off',
    targets: ['broker'],
    broker: 'ours',
    lasts: [0, 0],
    strike: async ({ processes, site }, { amount }) => {
      const process = processes.get('broker')!;
      await process.hold();
      const file = join(site.data, 'broker', 'messages.log');
      try {
        if (existsSync(file)) truncateSync(file, Math.floor(statSync(file).size * amount));
      } catch (error) {
        if (!isUnwritable(error)) throw error;
      }
      process.letGo();
    },
  },
];
