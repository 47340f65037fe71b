import { connect } from 'node:net';
import type { CameraFailure } from './failure.ts';

const UNREACHABLE = ['EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT'];

/**
 * Asks the network itself when ffmpeg does not say why it cannot open a stream: a plain TCP connection tells a
 * silent camera from an absent one.
 *
 * @returns the cause; a camera that accepts the connection but does not speak RTSP is `stalled`.
 */
export function probeAddress(host: string, port: number, timeoutMs: number): Promise<CameraFailure> {
  const { promise, resolve } = Promise.withResolvers<CameraFailure>();
  const place = `${host}:${port}`;
  const socket = connect({ host, port });
  const finish = (failure: CameraFailure) => {
    socket.destroy();
    resolve(failure);
  };
  socket.setTimeout(timeoutMs, () =>
    finish({
      state: 'unreachable',
      detail: `${place} does not answer; is the camera on and the address right?`,
    }),
  );
  socket.once('connect', () =>
    finish({ state: 'stalled', detail: `${place} accepts the connection but does not answer like a camera` }),
  );
  socket.once('error', (error: NodeJS.ErrnoException) => {
    const code = error.code ?? 'unknown error';
    if (code === 'ECONNREFUSED') finish({ state: 'refused', detail: `nothing listens at ${place}` });
    else if (UNREACHABLE.includes(code))
      finish({ state: 'unreachable', detail: `no route to ${place} (${code})` });
    else finish({ state: 'failed', detail: `connecting to ${place} failed (${code})` });
  });
  return promise;
}
