import type { SessionView } from '#protocol/api.ts';

export type SessionAnswer = { readonly opened: true } | { readonly opened: false; readonly reason: string };

/** What a person types to be let in. */
export type Credentials = { readonly name: string; readonly password: string } | { readonly token: string };

const AWAY = 'The backend does not answer. Try again in a moment.';

/** Hands name and password, or the token, to the backend, which answers with a cookie that scripts cannot read. Nothing is stored here. */
export async function openSession(credentials: Credentials): Promise<SessionAnswer> {
  let response: Response;
  try {
    response = await fetch('api/session', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(credentials),
    });
  } catch {
    return { opened: false, reason: AWAY };
  }
  if (response.ok) return { opened: true };
  if (response.status === 401) {
    const reason =
      'token' in credentials
        ? 'This is not the token of this site.'
        : 'Name and password do not belong together. Check both.';
    return { opened: false, reason };
  }
  if (response.status === 429)
    return { opened: false, reason: waitWords(response.headers.get('retry-after')) };
  return { opened: false, reason: `The backend could not open a session (${response.status}).` };
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

function waitWords(seconds: string | null): string {
  const wait = Number(seconds ?? 60);
  const words = wait > 90 ? `${Math.ceil(wait / 60)} minutes` : `${wait} seconds`;
  return `Too many attempts. The next one is possible in ${words}.`;
}
