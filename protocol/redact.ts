const HIDDEN = '***';

/** Fields whose string values never reach a log. */
export const SECRET_FIELDS = [
  'password',
  'passwd',
  'pass',
  'pwd',
  'secret',
  'token',
  'authorization',
  'credentials',
  'key',
  'privateKey',
  'secretKey',
  'signingKey',
  'installationKey',
] as const;

/** In queries, and in paths, where some cameras want them: `/user=admin_password=…`. */
const QUERY = /([?&/;](?:user|password|passwd|pass|pwd|token|secret|auth)=)[^&\s"'\\]+/gi;
const PEM = /-----BEGIN ([A-Z ]*PRIVATE KEY)-----[^"]*?(?:-----END \1-----|(?=")|$)/g;

/**
 * A text without the secrets that other programs put into texts: user and password in URLs (up to the last `@` before a blank, so that
 * odd passwords are covered), passwords in query strings, private keys in PEM.
 */
export function redactText(text: string): string {
  return hideCommon(text.replace(/([a-z][a-z0-9+.-]*:\/\/)\S*@/gi, `$1${HIDDEN}@`));
}

const FIELD = new RegExp(`"(${SECRET_FIELDS.join('|')})":"(?:[^"\\\\]|\\\\.)*"`, 'gi');

/** The same for a line of JSON, which stays JSON; also hides the string values of {@link SECRET_FIELDS} at any depth. */
export function redactLine(line: string): string {
  const urls = line.replace(/([a-z][a-z0-9+.-]*:\/\/)(?:\\["\\/]|[^\s"\\])*@/gi, `$1${HIDDEN}@`);
  return hideCommon(urls.replace(FIELD, `"$1":"${HIDDEN}"`));
}

function hideCommon(text: string): string {
  return text.replace(QUERY, `$1${HIDDEN}`).replace(PEM, HIDDEN);
}
