import { ROLES, type Role } from '#protocol/roles.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import type { Site } from '../site.ts';

const IDENTITY = 'people/command-line-pass';
const PREFIX = 'blindsight-pass_';
const VALID_MS = 60_000;

type With = Pick<Site, 'vault'>;

/**
 * Lets the command line of a site ask its running backend, whoever has to log in there: a minute's pass, sealed with the installation key, which only these two
 * have. Nothing is stored.
 */
export function makePass({ vault }: With, role: Role, clock: Clock = systemClock): string {
  const text = JSON.stringify({ role, endMs: clock.now() + VALID_MS });
  return PREFIX + Buffer.from(vault.seal(IDENTITY, Buffer.from(text))).toString('base64url');
}

/** The role of a pass that was made within the last minute; null for anything else. */
export function readPass({ vault }: With, text: string, clock: Clock): Role | null {
  if (!text.startsWith(PREFIX)) return null;
  try {
    const bytes = vault.open(IDENTITY, Buffer.from(text.slice(PREFIX.length), 'base64url'));
    const { role, endMs } = JSON.parse(Buffer.from(bytes).toString('utf8')) as { role: Role; endMs: number };
    const left = endMs - clock.now();
    return left > 0 && left <= VALID_MS && ROLES.some((one) => one === role) ? role : null;
  } catch {
    return null;
  }
}
