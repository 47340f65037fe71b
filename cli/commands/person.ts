import type { Command } from 'commander';
import { registerPersonAdd } from './person-add.ts';
import { registerPersonList } from './person-list.ts';
import { registerPersonPassword } from './person-password.ts';
import { registerPersonRemove } from './person-remove.ts';
import { registerPersonRole } from './person-role.ts';

/** `blindsight person add|list|role|password|remove`: who may use the page and the API of a site. */
export function registerPerson(program: Command): void {
  const person = program
    .command('person')
    .description('people who may use the page and the API: add, list, role, password, remove');
  registerPersonAdd(person);
  registerPersonList(person);
  registerPersonRole(person);
  registerPersonPassword(person);
  registerPersonRemove(person);
}
