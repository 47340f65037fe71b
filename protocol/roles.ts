/**
 * What a person or a program may do, from least to most; each may do what the ones before it may. `viewer`: read answers and states. `integrator`: also settings,
 * metrics and the journal, for programs that connect other systems. `operator`: also act on gateways and cameras. `owner`: also networks, releases, people and the audit log.
 */
export const ROLES = ['viewer', 'integrator', 'operator', 'owner'] as const;

/** What a token may be for: `auditor` is `blindsight auditor`, which may do nothing else, and whose work nobody else may do. */
export const TOKEN_ROLES = [...ROLES, 'auditor'] as const;
export type Role = (typeof TOKEN_ROLES)[number];

/** Whether `role` may do what needs `needed`. */
export function mayAct(role: Role, needed: Role): boolean {
  if (role === 'auditor' || needed === 'auditor') return role === needed;
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}
