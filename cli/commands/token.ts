import type { Command } from 'commander';
import { registerTokenAdd } from './token-add.ts';
import { registerTokenList } from './token-list.ts';
import { registerTokenRevoke } from './token-revoke.ts';

/** `blindsight token add|list|revoke`: how programs use the API of a site. */
export function registerToken(program: Command): void {
  const token = program
    .command('token')
    .description('tokens with which programs use the API: add, list, revoke');
  registerTokenAdd(token);
  registerTokenList(token);
  registerTokenRevoke(token);
}
