import { join } from 'node:path';
import type { Zone } from '#protocol/zone.ts';
import { COUNTER_CLIP } from './simulated-camera.ts';

/** A simulated camera of the all-in-one site, and the bundled network that answers about it. */
export type DemoCamera = {
  readonly camera: string;
  readonly network: string;
  /** A clip that comes with Blindsight; the NOTICE.md beside it names origin and licence. */
  readonly clip: string;
  /** Drawn in its picture when the network is protected for the first time. */
  readonly zones: readonly Zone[];
};

/** A zone from the upper to the lower edge of the picture. @param left fractions of its width, as `right` */
const strip = (name: string, left: number, right: number): Zone => ({
  name,
  corners: [
    [left, 0],
    [right, 0],
    [right, 1],
    [left, 1],
  ],
});

/** The first one's network is the default of the gateway; the others stand beside it. */
export const DEMO_CAMERAS: readonly [DemoCamera, ...DemoCamera[]] = [
  { camera: 'counter', network: 'counter', clip: COUNTER_CLIP, zones: [] },
  {
    camera: 'carpark',
    network: 'carpark-map',
    clip: join(import.meta.dirname, 'carpark', 'carpark.mp4'),
    zones: [strip('left-lane', 0.06, 0.38), strip('right-lane', 0.38, 0.7)],
  },
];
