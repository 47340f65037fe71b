import type { Attack } from '../attack.ts';
import { betweenLayers } from './between-layers.ts';
import { burst } from './burst.ts';
import { dates } from './dates.ts';
import { forgedLogits } from './forged-logits.ts';
import { keyAtInput } from './key-at-input.ts';
import { keyRecovery } from './key-recovery.ts';
import { replay } from './replay.ts';
import { weightsAtOutput } from './weights-at-output.ts';

/** Everything that is tried. */
export const ATTACKS = {
  keyRecovery,
  weightsAtOutput,
  betweenLayers,
  keyAtInput,
  forgedLogits,
  replay,
  dates,
  burst,
} satisfies Readonly<Record<string, Attack>>;
