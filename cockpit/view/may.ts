import type { SessionView } from '#protocol/api.ts';
import { mayAct, type Role } from '#protocol/roles.ts';

/** Whether to offer what needs a role. While it is not known who is logged in, it is offered; the backend decides in any case. */
export function may(session: SessionView | null, needed: Role): boolean {
  const role = session?.person?.role;
  return role === undefined || mayAct(role, needed);
}
