import type { CameraView } from '#protocol/api.ts';

/** How people call a camera; else its own name. */
export function cameraName({ camera, displayName }: Pick<CameraView, 'camera' | 'displayName'>): string {
  return displayName ?? camera;
}
