import type { Server } from 'node:http';
import type { Clock } from '#runtime/clock.ts';
import { Crowd } from '#runtime/crowd.ts';
import type { Logger } from '#runtime/log.ts';
import { RareLines } from '#runtime/rare-lines.ts';

/** A proxy in front has all of its users behind one address. */
const LIMITS = { perAddress: 256, total: 512 };

/**
 * Bounds the connections that have asked nothing yet: where there are too many, the oldest gives way, so that nobody who holds many open keeps others
 * from the page. Says so rarely.
 */
export function boundIdle(server: Server, clock: Clock, log: Logger): void {
  const rare = new RareLines(clock);
  const crowd = new Crowd(LIMITS, (address, waiting) => {
    const count = rare.take('crowd');
    if (count > 0) {
      const what = `too many connections that ask nothing: the oldest of ${waiting + 1} from ${address} had to give way`;
      log.warn({ address, count }, what);
    }
  });
  server.on('connection', (socket) => crowd.enter(socket));
  server.on('request', ({ socket }) => crowd.leave(socket));
}
