import { request } from 'node:http';
import type { Role } from '#protocol/roles.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import { createLogger } from '#runtime/log.ts';
import { EventHub } from '../api/event-hub.ts';
import { type ApiOptions, type RunningApi, startApi } from '../api/server.ts';
import { addPerson } from '../people/accounts.ts';
import { SiteView } from '../results/site-view.ts';
import { makeTestSite, type TestSite } from './test-site.ts';

const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });

export const PASSWORD = 'four words that fit';
/** A password is hashed in milliseconds. */
export const CHEAP = { N: 1024, r: 8, p: 1 };

export type Call = {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: unknown;
  /** Address of this machine that the request comes from. */
  readonly from?: string;
};

export type Answer = {
  readonly status: number;
  readonly body: { readonly error?: { readonly code: string; readonly message: string } } & Record<
    string,
    unknown
  >;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** What a browser would send back. */
  readonly cookie: string;
};

/** The API of a site on its own, and whoever asks it. */
export class ApiBench {
  readonly site: TestSite;
  readonly hub: EventHub;
  readonly server: RunningApi;

  private constructor(site: TestSite, hub: EventHub, server: RunningApi) {
    this.site = site;
    this.hub = hub;
    this.server = server;
  }

  static async start(
    options: Partial<Pick<ApiOptions, 'token' | 'proxy' | 'clock' | 'host' | 'pageDirectory'>> = {},
    prepare: (site: TestSite) => Promise<void> = async () => {},
  ): Promise<ApiBench> {
    const site = await makeTestSite();
    await prepare(site);
    const clock: Clock = options.clock ?? systemClock;
    const view = new SiteView(site.name, site.store, clock);
    const snapshot = () => view.snapshot();
    const hub = new EventHub(snapshot, () => {});
    try {
      const server = await startApi({
        ...{ site, snapshot, hub, clock, log, isStuck: () => false, broker: () => view.broker },
        ...{ host: '127.0.0.1', port: 0, token: null, pageDirectory: '/nowhere' },
        ...options,
      });
      return new ApiBench(site, hub, server);
    } catch (error) {
      hub.close();
      await site.close();
      throw error;
    }
  }

  get url(): string {
    return `http://127.0.0.1:${this.server.port}`;
  }

  /** Gives a person an account with {@link PASSWORD}. */
  add(name: string, role: Role): Promise<void> {
    return addPerson(this.site, { name, role, password: PASSWORD }, { cost: CHEAP });
  }

  /** One request, with headers that `fetch` would not send. */
  call(path: string, { method = 'GET', headers = {}, body, from }: Call = {}): Promise<Answer> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const sent = request(`${this.url}${path}`, {
        ...{ method, agent: false },
        headers: { ...(text !== undefined && { 'content-type': 'application/json' }), ...headers },
        ...(from !== undefined && { localAddress: from }),
      });
      sent.on('error', reject).on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject).on('end', () => {
          const answer = Buffer.concat(chunks).toString('utf8');
          const isJson = response.headers['content-type']?.includes('json') === true;
          resolve({
            status: response.statusCode ?? 0,
            body: isJson ? (JSON.parse(answer) as Answer['body']) : { text: answer },
            headers: response.headers,
            cookie: (response.headers['set-cookie'] ?? []).map((one) => one.split(';')[0]).join('; '),
          });
        });
      });
      sent.end(text);
    });
  }

  logIn(name: string, password = PASSWORD, call: Call = {}): Promise<Answer> {
    return this.call('/api/session', { method: 'POST', body: { name, password }, ...call });
  }

  async close(): Promise<void> {
    await this.server.close();
    this.hub.close();
    await this.site.close();
  }
}
