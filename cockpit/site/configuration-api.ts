import type { ConfigurationPreview, ConfigurationSummary, ShownConfiguration } from '#protocol/api.ts';
import type { JsonSchema } from '../view/json-schema.ts';
import { type Answered, request } from './request.ts';

/** `user:password` by camera; sealed to the gateway by the backend, and never read again. */
export type Logins = Readonly<Record<string, string>>;

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
