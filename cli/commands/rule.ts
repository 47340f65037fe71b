import type { Command } from 'commander';
import { registerRuleAdd } from './rule-add.ts';
import { registerRuleChanges } from './rule-changes.ts';
import { registerRuleList } from './rule-list.ts';
import { registerRuleTest } from './rule-test.ts';

/** `blindsight rule add|list|show|test|enable|disable|remove`: when somebody is told. */
export function registerRule(program: Command): void {
  const rule = program
    .command('rule')
    .description('say when somebody is told: add, list, show, test, enable, disable, remove');
  registerRuleAdd(rule);
  registerRuleList(rule);
  registerRuleTest(rule);
  registerRuleChanges(rule);
}
