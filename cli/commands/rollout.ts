import type { Command } from 'commander';
import { registerRolloutAbort } from './rollout-abort.ts';
import { registerRolloutBack } from './rollout-back.ts';
import { registerRolloutList } from './rollout-list.ts';
import { registerRolloutPause } from './rollout-pause.ts';
import { registerRolloutResume } from './rollout-resume.ts';
import { registerRolloutShow } from './rollout-show.ts';
import { registerRolloutStart } from './rollout-start.ts';

/** `blindsight rollout start|list|show|pause|resume|abort|back`: releases that reach many gateways in waves. */
export function registerRollout(program: Command): void {
  const rollout = program
    .command('rollout')
    .description('release something to many gateways in waves, each with a time limit');
  registerRolloutStart(rollout);
  registerRolloutList(rollout);
  registerRolloutShow(rollout);
  registerRolloutPause(rollout);
  registerRolloutResume(rollout);
  registerRolloutAbort(rollout);
  registerRolloutBack(rollout);
}
