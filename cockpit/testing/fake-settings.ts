import { diffTexts } from '#backend/configuration/diff-texts.ts';
import { settingsSchema } from '#backend/configuration/settings-schema.ts';
import { PushedSettings } from '#config/schema.ts';
import { validateConfig } from '#config/validate.ts';
import type { ConfigurationPreview, ConfigurationSummary, ShownConfiguration } from '#protocol/api.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { FIXTURE_TIME } from './fixtures.ts';

type Answer = { readonly status: number; readonly body: unknown };
type PushBody = { readonly settings: string; readonly expectedVersion: number; readonly author?: string };

/** Settings of gateways in memory, checked by the validator of the real backend; nothing ever runs them. */
export class FakeSettings {
  /** By gateway, oldest first. */
  readonly #versions = new Map<string, ShownConfiguration[]>();
  /** Every push that came, as it came. */
  readonly pushes: unknown[] = [];
  /** What settings there are. */
  schema: unknown = settingsSchema();
  /** Added to every preview. */
  risks: readonly string[] = [];

  add(gateway: string, settings: string, change: Partial<ShownConfiguration> = {}): void {
    const versions = this.#versions.get(gateway) ?? [];
    this.#versions.set(gateway, versions);
    versions.push({
      gateway,
      version: versions.length + 1,
      author: 'ann',
      pushed: FIXTURE_TIME,
      status: 'applied',
      since: FIXTURE_TIME,
      error: null,
      settings,
      credentials: [],
      running: versions.length + 1,
      drift: false,
      ...change,
    });
  }

  /** @returns null for addresses of others */
  answer(method: string, pathname: string, query: URLSearchParams, body: unknown): Answer | null {
    if (pathname === '/api/configuration/schema') return { status: 200, body: this.schema };
    const path = /^\/api\/gateways\/([^/]+)\/configuration(?:\/(\w+))?$/.exec(pathname);
    if (path === null) return null;
    const [, gateway = '', door] = path;
    const versions = this.#versions.get(gateway) ?? [];
    if (door === 'history') return { status: 200, body: versions.map(summary).reverse() };
    if (door === 'preview') return { status: 200, body: this.#preview(versions, body as PushBody) };
    if (method === 'PUT') return this.#push(gateway, versions, body as PushBody);
    const shown = query.has('version') ? versions[Number(query.get('version')) - 1] : versions.at(-1);
    return shown === undefined
      ? refusal(404, 'CONFIGURATION_NOT_FOUND', 'none')
      : { status: 200, body: shown };
  }

  #push(gateway: string, versions: readonly ShownConfiguration[], body: PushBody): Answer {
    this.pushes.push(body);
    if (body.expectedVersion !== versions.length)
      return refusal(409, 'CONFIGURATION_CONFLICT', `version ${versions.length} was pushed by ann`);
    this.add(gateway, body.settings, { author: body.author ?? 'the API', status: 'pending' });
    return { status: 202, body: { ...summary(this.#versions.get(gateway)!.at(-1)!), warnings: [] } };
  }

  #preview(versions: readonly ShownConfiguration[], { settings }: PushBody): ConfigurationPreview {
    const base = versions.at(-1);
    const compared = { against: base?.version ?? null, lines: diffTexts(base?.settings ?? '', settings) };
    try {
      validateConfig(settings, PushedSettings, 'settings');
      return { error: null, risks: this.risks, ...compared };
    } catch (error) {
      if (!(error instanceof BlindsightError)) throw error;
      return { error: { code: error.code, message: error.message }, risks: [], ...compared };
    }
  }
}

function summary({ gateway, version, author, pushed, status, since, error }: ShownConfiguration) {
  return { gateway, version, author, pushed, status, since, error } satisfies ConfigurationSummary;
}

function refusal(status: number, code: string, message: string): Answer {
  return { status, body: { error: { code, message } } };
}
