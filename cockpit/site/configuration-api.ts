import type { ConfigurationPreview, ConfigurationSummary, ShownConfiguration } from '#protocol/api.ts';
import type { JsonSchema } from '../view/json-schema.ts';

/** An answer of the backend, or the code and sentence of its refusal; without a code where the backend was not reached. */
export type Answered<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly code: string | null; readonly message: string };

/** `user:password` by camera; sealed to the gateway by the backend, and never read again. */
export type Logins = Readonly<Record<string, string>>;

const REQUEST_MS = 20_000;

/** Settings of one gateway at the backend. */
export class ConfigurationApi {
  readonly #path: string;

  constructor(gateway: string) {
    this.#path = `api/gateways/${encodeURIComponent(gateway)}/configuration`;
  }

  /** What settings there are, for a form. */
  schema(): Promise<Answered<JsonSchema>> {
    return request('GET', 'api/configuration/schema');
  }

  /** @param version the newest where left out */
  show(version?: number): Promise<Answered<ShownConfiguration>> {
    return request('GET', version === undefined ? this.#path : `${this.#path}?version=${version}`);
  }

  history(): Promise<Answered<readonly ConfigurationSummary[]>> {
    return request('GET', `${this.#path}/history`);
  }

  /** @param against the version to compare with; what runs where left out */
  preview(settings: string, credentials: Logins, against?: number): Promise<Answered<ConfigurationPreview>> {
    return request('POST', `${this.#path}/preview`, {
      settings,
      credentials,
      ...(against !== undefined && { against }),
    });
  }

  push(
    settings: string,
    credentials: Logins,
    expectedVersion: number,
  ): Promise<Answered<ConfigurationSummary>> {
    return request('PUT', this.#path, { settings, credentials, expectedVersion, author: 'the page' });
  }

  rollBack(version: number, expectedVersion: number): Promise<Answered<ConfigurationSummary>> {
    return request('POST', `${this.#path}/rollback`, { version, expectedVersion, author: 'the page' });
  }
}

async function request<T>(method: string, path: string, body?: unknown): Promise<Answered<T>> {
  try {
    const response = await fetch(path, {
      method,
      headers: {
        accept: 'application/json',
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(REQUEST_MS),
    });
    const answer = (await response.json().catch(() => ({}))) as {
      error?: { code?: string; message?: string };
    };
    if (response.ok) return { ok: true, value: answer as T };
    const { code = null, message = `the backend refused it (${response.status})` } = answer.error ?? {};
    return { ok: false, code, message };
  } catch {
    return { ok: false, code: null, message: 'the backend does not answer; try again in a moment' };
  }
}
