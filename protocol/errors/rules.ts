/** Codes about rules and events; part of the one registry in ../errors.ts. */
export const RULE_ERRORS = {
  RULE_INVALID: {
    meaning: 'A rule is not one: something is missing, unknown or out of its range.',
    action: 'The message names the field; docs/rules.md has all of them.',
  },
  RULE_DOUBTFUL: {
    meaning:
      'A rule is probably not meant so: it names what the site does not have, or would be raised again and again.',
    action: 'Change it, or confirm it: `--anyway`, or `?anyway=true` in the API.',
  },
  RULE_EXISTS: {
    meaning: 'There is a rule of this name already.',
    action: 'Choose another name, or replace it: `blindsight rule add NAME … --replace`.',
  },
  RULE_NOT_FOUND: {
    meaning: 'There is no rule of this name.',
    action: 'List the rules with `blindsight rule list`.',
  },
  RULES_FULL: {
    meaning: 'A site has as many rules as it may have.',
    action: 'Remove some, or let one rule name several cameras.',
  },
  EVENT_NOT_FOUND: {
    meaning: 'There is no event of this number; old ones are removed.',
    action: 'List the events again.',
  },
} as const satisfies Record<string, { meaning: string; action: string }>;
