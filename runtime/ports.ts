import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

const HOST = '127.0.0.1';

/**
 * Below Linux' ephemeral ports (32768 to 60999 as distributed) and above what services of the system have: a port of those could become the local end of
 * somebody's connection between being found free and being listened on, and stay taken for as long as that lasts.
 */
const FIRST_PORT = 12_000;
const END_PORT = 32_000;
const ATTEMPTS = 100;

/** By this process: whoever was given a port may not listen on it yet. */
const given = new Set<number>();

/** Whether nobody listens on a loopback port yet. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, HOST, () => server.close(() => resolve(true)));
  });
}

/** The preferred loopback port where it is free, else (and for 0) one that is, drawn so that processes that ask at the same time hardly ever get the same. */
export async function freePort(preferred: number): Promise<number> {
  if (preferred !== 0 && (await isFree(preferred))) return preferred;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = randomInt(FIRST_PORT, END_PORT);
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port)) return port;
  }
  throw new Error('no free port on the loopback interface');
}
