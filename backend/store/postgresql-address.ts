import { isIP } from 'node:net';
import pg from 'pg';
import { BlindsightError } from '#protocol/errors.ts';

/** What pg makes of an address, where it matters here; its types leave this out. */
type Parameters = {
  readonly host: string;
  readonly ssl:
    | boolean
    | { readonly rejectUnauthorized?: boolean; readonly checkServerIdentity?: unknown; readonly ca?: string };
};

/**
 * Checks that whoever is on the way to a database can neither read nor be it: on another machine it must prove who it is, in TLS. Asks pg itself what
 * an address means, with the environment's PG… variables, so that the two cannot differ.
 *
 * @param url postgresql://…; never shown
 * @throws BlindsightError STORE_ADDRESS where it cannot be read, STORE_UNPROTECTED where it does not ask for TLS with a certificate that is checked
 */
export function checkPostgresqlAddress(url: string): void {
  const { host, ssl } = parametersOf(url);
  if (isThisMachine(host)) return;
  const where = `the PostgreSQL server at ${host}`;
  const remedy =
    'add sslmode=verify-full, and sslrootcert=FILE for an authority of your own, to the query of its address';
  if (typeof ssl !== 'object')
    throw new BlindsightError(
      'STORE_UNPROTECTED',
      `${where} is another machine, and its address does not ask for TLS: ${remedy}`,
    );
  // Compatible with libpq, `require` and `verify-ca` take any name, which is safe only with an authority that issues to nobody else.
  const isNameFree = ssl.checkServerIdentity !== undefined && ssl.ca === undefined;
  if (ssl.rejectUnauthorized === false || isNameFree)
    throw new BlindsightError(
      'STORE_UNPROTECTED',
      `${where} would be believed without a check of its certificate: ${remedy}`,
    );
}

function parametersOf(url: string): Parameters {
  try {
    const client = new pg.Client({ connectionString: url }) as unknown as {
      connectionParameters: Parameters;
    };
    return client.connectionParameters;
  } catch (cause) {
    // Its text may repeat the address, with the password.
    const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
    throw new BlindsightError(
      'STORE_ADDRESS',
      `the address of PostgreSQL, or a file that it names, cannot be read${code}`,
      { cause },
    );
  }
}

/** A socket in the file system, or an address of the loopback interface: nobody is in between. */
export function isThisMachine(host: string): boolean {
  if (host.startsWith('/') || host === 'localhost' || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}
