import { Option } from 'commander';
import { ROLES, TOKEN_ROLES } from '#protocol/roles.ts';

/** The option that names a role; each may do what the ones before it may. */
export function roleOption(): Option {
  return new Option('--role <role>', 'what it allows').choices(ROLES).makeOptionMandatory();
}

/** The same for tokens, which one more program has. */
export function tokenRoleOption(): Option {
  return new Option('--role <role>', 'what it allows').choices(TOKEN_ROLES).makeOptionMandatory();
}

/** What the roles are, for the end of a help text. */
export const ROLES_HELP = `
Roles, each may do what the ones before it may:
  viewer      read answers and states
  integrator  also read settings, metrics and the journal: for programs
  operator    also act on gateways and cameras
  owner       also networks, releases, people, tokens and the audit log`;
