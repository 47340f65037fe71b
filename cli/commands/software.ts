import type { Command } from 'commander';
import { registerSoftwareAdd } from './software-add.ts';
import { registerSoftwareList } from './software-list.ts';
import { registerSoftwareRemove } from './software-remove.ts';

/** `blindsight software add|list|remove`: versions of the gateways' own software. */
export function registerSoftware(program: Command): void {
  const software = program
    .command('software')
    .description('software of gateways that can be released with `rollout start software`');
  registerSoftwareAdd(software);
  registerSoftwareList(software);
  registerSoftwareRemove(software);
}
