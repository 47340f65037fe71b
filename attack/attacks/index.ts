import type { Attack } from '../attack.ts';
import { anotherBundle } from './another-bundle.ts';
import { anotherCamera } from './another-camera.ts';
import { anotherRegion } from './another-region.ts';
import { betweenLayers } from './between-layers.ts';
import { burst } from './burst.ts';
import { dates } from './dates.ts';
import { forgedLogits } from './forged-logits.ts';
import { keyAtInput } from './key-at-input.ts';
import { keyRecovery } from './key-recovery.ts';
import { renumbering } from './renumbering.ts';
import { replay } from './replay.ts';
import { seldomLies } from './seldom-lies.ts';
import { weightsAtOutput } from './weights-at-output.ts';

/** Everything that is tried. */
export const ATTACKS = {
  keyRecovery,
  weightsAtOutput,
  betweenLayers,
  keyAtInput,
  forgedLogits,
  seldomLies,
  replay,
  renumbering,
  anotherCamera,
  anotherRegion,
  anotherBundle,
  dates,
  burst,
} satisfies Readonly<Record<string, Attack>>;
