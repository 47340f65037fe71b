import { z } from 'zod';
import { NAME_PATTERN, RESERVED_GATEWAY_NAMES } from './topics.ts';

/** A site, gateway or camera name. */
export const Name = z
  .string()
  .regex(NAME_PATTERN, 'at most 32 lower-case letters, digits and hyphens, none at either end');

/** A gateway name: not one of the names that are subtrees of a site. */
export const GatewayName = Name.refine(
  (value) => !RESERVED_GATEWAY_NAMES.some((reserved) => reserved === value),
  `a name that is not reserved (${RESERVED_GATEWAY_NAMES.join(', ')})`,
);

/** SHA-256, hex, lower case. */
export const Digest = z.string().regex(/^[0-9a-f]{64}$/);

/** Named regions that a camera may have, and one ciphertext may answer about. */
export const MAX_REGIONS = 64;

/** Networks that a gateway may have beside its default one. */
export const MAX_NETWORKS = 16;

/** Names of the regions of one picture, in order; each once. */
export const RegionNames = z
  .array(Name)
  .min(1)
  .max(MAX_REGIONS)
  .refine((names) => new Set(names).size === names.length, 'each name once');
