import type { Logger } from '#runtime/log.ts';
import type { Camera } from './camera.ts';

/** One line about a camera whose state changed, with what its ffmpeg said last where it sends no pictures. */
export function logCameraState({ name, state, lastLines }: Camera, log: Logger): void {
  if (state.state === 'streaming') log.info({ camera: name }, `camera is streaming: ${state.detail}`);
  else
    log.warn(
      { camera: name, state: state.state, lines: lastLines.slice(-3) },
      `camera sends no pictures: ${state.detail}`,
    );
}
