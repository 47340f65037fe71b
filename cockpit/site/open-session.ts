export type SessionAnswer = { readonly opened: true } | { readonly opened: false; readonly reason: string };

/** Hands the token to the backend, which answers with a cookie that scripts cannot read. The token is not stored anywhere. */
export async function openSession(token: string): Promise<SessionAnswer> {
  let response: Response;
  try {
    response = await fetch('api/session', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token }),
    });
  } catch {
    return { opened: false, reason: 'The backend does not answer. Try again in a moment.' };
  }
  if (response.ok) return { opened: true };
  if (response.status === 401) return { opened: false, reason: 'This is not the token of this site.' };
  if (response.status === 429)
    return { opened: false, reason: 'Too many attempts. Wait a minute and try again.' };
  return { opened: false, reason: `The backend could not open a session (${response.status}).` };
}
