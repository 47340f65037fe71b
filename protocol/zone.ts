import { z } from 'zod';
import { Name } from './names.ts';

/** Zones that a camera may have. */
export const MAX_ZONES = 16;
/** Corners that a zone has. */
export const ZONE_CORNERS = { least: 3, most: 16 } as const;

const fraction = z.number().min(0).max(1);

/** A named polygon in the picture of a camera. Only its site knows it: points are counted by zone after an answer is rounded. */
export const Zone = z.strictObject({
  name: Name,
  /** In order along its edge: x and y in fractions of what the network looks at, from the upper left corner. */
  corners: z
    .array(z.tuple([fraction, fraction]))
    .min(ZONE_CORNERS.least)
    .max(ZONE_CORNERS.most),
});
export type Zone = z.infer<typeof Zone>;
