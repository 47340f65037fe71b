import { pageWords } from '../words/language.ts';

/** An answer of the backend, or the code and sentence of its refusal; without a code where the backend was not reached. */
export type Answered<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly code: string | null; readonly message: string };

const REQUEST_MS = 20_000;

/** Asks the backend; never throws. @param patienceMs how long the answer may take */
export async function request<T>(
  method: string,
  path: string,
  body?: unknown,
  patienceMs = REQUEST_MS,
): Promise<Answered<T>> {
  try {
    const response = await fetch(path, {
      method,
      headers: {
        accept: 'application/json',
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(patienceMs),
    });
    const answer = (await response.json().catch(() => ({}))) as {
      error?: { code?: string; message?: string };
    };
    if (response.ok) return { ok: true, value: answer as T };
    const { code = null, message = pageWords().request.refused(response.status) } = answer.error ?? {};
    return { ok: false, code, message };
  } catch {
    return { ok: false, code: null, message: pageWords().request.away };
  }
}
