import type { Command } from 'commander';
import { registerModelImport } from './model-import.ts';
import { registerModelList } from './model-list.ts';
import { registerModelProtect } from './model-protect.ts';
import { registerModelShow } from './model-show.ts';

/** `blindsight model import|protect|list|show`: the networks of a site. */
export function registerModel(program: Command): void {
  const model = program.command('model').description('networks: import, encrypt, list, show');
  registerModelProtect(model);
  registerModelImport(model);
  registerModelList(model);
  registerModelShow(model);
}
