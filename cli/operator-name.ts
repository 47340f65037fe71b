import { userInfo } from 'node:os';

/** Who works here, for a history: also where they run a command as the user of the daemons. */
export function operatorName(): string {
  return process.env.SUDO_USER ?? userInfo().username;
}
