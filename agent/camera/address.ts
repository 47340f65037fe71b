import { BlindsightError } from '#protocol/errors.ts';

/** Where a camera is, with its password kept apart from everything that may be shown. */
export type CameraAddress = {
  readonly host: string;
  readonly port: number;
  /** For messages and logs: no user, no password, no query, no login in the path. */
  readonly display: string;
  /** Full URL with credentials: only ever written into the standard input of ffmpeg. */
  readonly secretUrl: string;
  /** Strings that must not appear in anything that is shown or kept. */
  readonly secrets: readonly string[];
};

/**
 * From the first word for a login to the end of its part of the path: some cameras want user and password there, as in
 * `/user=admin&password=secret&channel=1` or `/user=admin_password=secret_channel=1`.
 */
const LOGIN_IN_PATH = /(?:user(?:name)?|pass(?:word|wd)?|pwd|token|secret|auth)=[^/]*/gi;

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'rtsp:': 554, 'rtsps:': 322 };

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Takes a camera's URL apart.
 *
 * @param url rtsp:// or rtsps://, with or without user:password
 * @param credentials the line `user:password` of the camera's credentials file; wins over the URL
 * @throws BlindsightError CAMERA_ADDRESS where the URL cannot be read or holds characters that no URL has; the
 * message does not repeat the URL, which may hold a password.
 */
export function cameraAddress(url: string, credentials?: string): CameraAddress {
  const printable = [...url].every((character) => character > ' ' && character !== '\x7f');
  const parsed = printable && URL.canParse(url) ? new URL(url) : null;
  const defaultPort = parsed === null ? undefined : DEFAULT_PORTS[parsed.protocol];
  if (parsed === null || defaultPort === undefined || parsed.hostname === '') {
    throw new BlindsightError('CAMERA_ADDRESS', 'a camera URL must look like rtsp://host[:port]/path');
  }
  let user = parsed.username;
  let password = parsed.password;
  if (credentials !== undefined) {
    const colon = credentials.indexOf(':');
    if (colon < 1) {
      throw new BlindsightError('CAMERA_ADDRESS', 'a credentials file must hold one line, user:password');
    }
    user = encodeURIComponent(credentials.slice(0, colon));
    password = encodeURIComponent(credentials.slice(colon + 1));
  }
  const port = parsed.port === '' ? defaultPort : Number(parsed.port);
  const logins = parsed.pathname.match(LOGIN_IN_PATH) ?? [];
  const display = `${parsed.protocol}//${parsed.host}${parsed.pathname.replace(LOGIN_IN_PATH, '***')}`;
  const login = user === '' ? '' : `${user}${password === '' ? '' : `:${password}`}@`;
  const query = parsed.search.slice(1);
  const secrets = [password, decoded(password), query, ...logins].filter((secret) => secret !== '');
  return {
    host: parsed.hostname.replace(/^\[|\]$/g, ''),
    port,
    display,
    secretUrl: `${parsed.protocol}//${login}${parsed.host}${parsed.pathname}${parsed.search}`,
    secrets: [...new Set(secrets)],
  };
}
