import type { CameraView } from '#protocol/api.ts';

/** Settings to begin with for a gateway that runs its own file, which the site has not seen: its cameras by name, whose addresses are to be filled in. */
export function firstSettings(cameras: readonly CameraView[]): string {
  if (cameras.length === 0) return 'cameras: []\n';
  const entries = cameras.map(({ camera }) => `  - name: ${camera}\n    url: ""\n`);
  return `cameras:\n${entries.join('')}`;
}
