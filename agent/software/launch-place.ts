import { SLOTS, type Slot } from './software-state.ts';

/** What the launcher says to the program that it starts. */
export type LaunchPlace = {
  /** Where this program is; `base` is the installed one. */
  readonly slot: Slot | 'base';
  /** Absolute folder of the slots. */
  readonly folder: string;
};

/** Reads it from the environment; null without a launcher: then nobody could start another program. */
export function readLaunchPlace(environment: NodeJS.ProcessEnv = process.env): LaunchPlace | null {
  const { BLINDSIGHT_SLOT: slot, BLINDSIGHT_SOFTWARE: folder } = environment;
  const known = (['base', ...SLOTS] as const).find((name) => name === slot);
  return known === undefined || !folder?.startsWith('/') ? null : { slot: known, folder };
}
