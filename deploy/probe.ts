import { connect } from 'node:net';

const TIMEOUT_MS = 2_000;

/** Whether something accepts connections at an address. */
export function listens(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host, timeout: TIMEOUT_MS });
    const settle = (result: boolean) => {
      socket.destroy();
      resolve(result);
    };
    socket.once('connect', () => settle(true));
    socket.once('timeout', () => settle(false));
    socket.once('error', () => settle(false));
  });
}

/** Whether an address answers over HTTP at all: a refusal (token missing) is an answer too, a server error is not. */
export async function answers(url: string): Promise<boolean> {
  return (await status(url)) < 500;
}

/** Whether the backend that listens on an address says that it is well. */
export async function isHealthy(host: string, port: number): Promise<boolean> {
  const name = host.includes(':') ? `[${host}]` : host;
  return (await status(`http://${name}:${port}/healthz`)) === 200;
}

async function status(url: string): Promise<number> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    await response.body?.cancel();
    return response.status;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
