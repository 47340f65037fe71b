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
/** Up to its end, or to the end of the string in JSON: a quote that a backslash escapes is not that. */
const PEM = /-----BEGIN ([A-Z ]*PRIVATE KEY)-----(?:\\[\s\S]?|[^"\\])*?(?:-----END \1-----|(?=")|$)/g;

const BLANK = /\s/g;
/** What may end a piece of a string in JSON; of backslashes only those do that escape neither a quote, a backslash nor a slash. */
const JSON_END = /[\s"\\]/g;
const SCHEME_CHARACTER = /[a-z0-9+.-]/i;

/**
 * A text without the secrets that other programs put into texts: user and password in URLs (up to the last `@` before a blank, so that
 * odd passwords are covered), passwords in query strings, private keys in PEM. Takes time in proportion to the text, whatever is in it.
 */
export function redactText(text: string): string {
  return hideCommon(hideCredentials(text, (from) => nextMatch(BLANK, text, from)));
}

const FIELD = new RegExp(`"(${SECRET_FIELDS.join('|')})":"(?:[^"\\\\]|\\\\.)*"`, 'gi');

/** The same for a line of JSON, which stays JSON; also hides the string values of {@link SECRET_FIELDS} at any depth. */
export function redactLine(line: string): string {
  const urls = hideCredentials(line, (from) => jsonBlank(line, from));
  return hideCommon(urls.replace(FIELD, `"$1":"${HIDDEN}"`));
}

/**
 * Hides what stands between `://` and the last `@` of an address. By hand: a regular expression that looks for the scheme first begins anew at
 * each character of a long word.
 *
 * @param blank where the first blank from a place on is, or the length of the text
 */
function hideCredentials(text: string, blank: (from: number) => number): string {
  let result = '';
  let done = 0;
  for (let at = text.indexOf('://'); at >= 0; at = text.indexOf('://', at)) {
    const from = at + 3;
    if (at === 0 || !SCHEME_CHARACTER.test(text[at - 1]!)) {
      at = from;
      continue;
    }
    const end = blank(from);
    const sign = text.lastIndexOf('@', end - 1);
    if (sign >= from) {
      result += `${text.slice(done, from)}${HIDDEN}`;
      done = sign;
    }
    // No further `@` is before the blank.
    at = end;
  }
  return result + text.slice(done);
}

function jsonBlank(line: string, from: number): number {
  let at = nextMatch(JSON_END, line, from);
  while (line[at] === '\\' && /["\\/]/.test(line[at + 1] ?? '')) at = nextMatch(JSON_END, line, at + 2);
  return at;
}

function nextMatch(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from;
  return pattern.exec(text)?.index ?? text.length;
}

function hideCommon(text: string): string {
  return text.replace(QUERY, `$1${HIDDEN}`).replace(PEM, HIDDEN);
}
