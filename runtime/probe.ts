import { connect } from 'node:net';

const TIMEOUT_MS = 2_000;
/** States of /healthz in which a restart would not help. */
const ALIVE: readonly unknown[] = ['ok', 'troubled'];

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

/**
 * Whether the backend that listens on an address works, or says why it cannot: restarting the backend fixes neither a full disk nor an unreachable
 * database.
 */
export async function isAlive(host: string, port: number): Promise<boolean> {
  const name = host.includes(':') ? `[${host}]` : host;
  try {
    const response = await fetch(`http://${name}:${port}/healthz`, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const body: unknown = await response.json();
    return typeof body === 'object' && body !== null && 'status' in body && ALIVE.includes(body.status);
  } catch {
    return false;
  }
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
