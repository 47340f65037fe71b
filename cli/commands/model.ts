import type { Command } from 'commander';
import { registerModelImport } from './model-import.ts';
import { registerModelList } from './model-list.ts';
import { registerModelOutput } from './model-output.ts';
import { registerModelProtect } from './model-protect.ts';
import { registerModelReinstate } from './model-reinstate.ts';
import { registerModelRetire } from './model-retire.ts';
import { registerModelShow } from './model-show.ts';
import { registerModelTrace } from './model-trace.ts';

/** `blindsight model import|protect|list|show|output|retire|reinstate|trace`: the networks of a site. */
export function registerModel(program: Command): void {
  const model = program.command('model').description('networks: import, encrypt, list, show, trace');
  registerModelProtect(model);
  registerModelImport(model);
  registerModelList(model);
  registerModelShow(model);
  registerModelOutput(model);
  registerModelRetire(model);
  registerModelReinstate(model);
  registerModelTrace(model);
}
