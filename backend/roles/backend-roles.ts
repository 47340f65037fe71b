import { BlindsightError } from '#protocol/errors.ts';

/** What a process of the backend does; see docs/decisions/18-roles.md. Of `decryptor` any number work at once, of the others one does while the rest stand by. */
export const BACKEND_ROLES = ['api', 'deployer', 'decryptor', 'auditor'] as const;
export type BackendRole = (typeof BACKEND_ROLES)[number];

/** A site's roles in one process: the default. */
export const ALL_ROLES: ReadonlySet<BackendRole> = new Set(BACKEND_ROLES);

/**
 * The roles of a process.
 *
 * @param named none for all of them
 * @throws BlindsightError ROLES_NEED_POSTGRESQL, ROLES_APART
 */
export function rolesOf(
  named: readonly BackendRole[],
  store: 'sqlite' | 'postgresql',
  auditor: 'thread' | 'process',
): ReadonlySet<BackendRole> {
  if (named.length === 0) return ALL_ROLES;
  const roles = new Set(named);
  if (roles.size < BACKEND_ROLES.length && store === 'sqlite')
    throw new BlindsightError(
      'ROLES_NEED_POSTGRESQL',
      `--role ${[...roles].join(', ')}: a site on SQLite has one process of its backend, with all roles`,
    );
  if (auditor === 'process' && roles.has('api') !== roles.has('auditor'))
    throw new BlindsightError(
      'ROLES_APART',
      'with `audit.auditor: process`, auditors fetch their work from the API: the roles api and auditor belong into one process',
    );
  return roles;
}
