import { createServer } from 'node:net';

const HOST = '127.0.0.1';

function tryPort(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen(port, HOST, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : null));
    });
  });
}

/** Whether nobody listens on a loopback port yet. */
export async function isFree(port: number): Promise<boolean> {
  return (await tryPort(port)) !== null;
}

/** The preferred loopback port where it is free, else one that is. */
export async function freePort(preferred: number): Promise<number> {
  const port = (await tryPort(preferred)) ?? (await tryPort(0));
  if (port === null) throw new Error('no free port on the loopback interface');
  return port;
}
