import type { SessionView } from '#protocol/api.ts';
import type { Words } from '../words/en.ts';

export type SessionAnswer = { readonly opened: true } | { readonly opened: false; readonly reason: string };

/** What a person types to be let in. */
export type Credentials = { readonly name: string; readonly password: string } | { readonly token: string };

/** Hands name and password, or the token, to the backend, which answers with a cookie that scripts cannot read. Nothing is stored here. */
export async function openSession(credentials: Credentials, words: Words['login']): Promise<SessionAnswer> {
  let response: Response;
  try {
    response = await fetch('api/session', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(credentials),
    });
  } catch {
    return { opened: false, reason: words.away };
  }
  if (response.ok) return { opened: true };
  if (response.status === 401) {
    return { opened: false, reason: 'token' in credentials ? words.wrongToken : words.wrongPassword };
  }
  if (response.status === 429)
    return { opened: false, reason: waitWords(response.headers.get('retry-after'), words) };
  return { opened: false, reason: words.failed(response.status) };
}

/** Ends the session of this browser; with `everywhere`, also those of the same person in others. @returns false where the backend did not answer */
export async function closeSession(everywhere = false): Promise<boolean> {
  const path = everywhere ? 'api/session?all=true' : 'api/session';
  return fetch(path, { method: 'DELETE' }).then(
    ({ ok }) => ok,
    () => false,
  );
}

/** Who is logged in here, and how one may log in; null where the backend does not say. */
export async function readSession(signal: AbortSignal): Promise<SessionView | null> {
  const response = await fetch('api/session', { signal, headers: { accept: 'application/json' } });
  return response.ok ? ((await response.json()) as SessionView) : null;
}

function waitWords(seconds: string | null, words: Words['login']): string {
  const wait = Number(seconds ?? 60);
  return wait > 90 ? words.minutes(Math.ceil(wait / 60)) : words.seconds(wait);
}
