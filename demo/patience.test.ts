import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { CameraView, GatewayView, SiteState } from '#protocol/api.ts';
import { Patience } from './patience.ts';
import { watchResults } from './watch.ts';

const AWAITED = { gateway: 'gateway-1', camera: 'counter' };
const bundle = { status: 'active', progress: 1, error: null, subject: null };
const quarantine = { since: '2026-03-01T12:00:00.000Z', reason: 'a thief had it' };

/** What a watcher reads of the state of a site, which is well but for the changes. */
function stateOf(camera: object = {}, gateway: object = {}, change: Partial<SiteState> = {}): SiteState {
  const well = { camera: 'counter', state: { state: 'streaming', detail: '' }, unusual: [] };
  const online = { name: 'gateway-1', state: 'online', quarantine: null, reported: { bundle } };
  return {
    broker: { connected: true, detail: 'connected' },
    cameras: [{ ...well, ...camera } as unknown as CameraView],
    gateways: [{ ...online, ...gateway } as unknown as GatewayView],
    ...change,
  } as SiteState;
}

describe('Patience', () => {
  let nowMs = 0;
  const make = () => new Patience(AWAITED, { monotonic: () => nowMs });

  it.each([
    [
      'a camera that does not let it in',
      stateOf({ state: { state: 'unauthorized', detail: 'it refuses this password (401)' } }),
      /^no result for 60 s: camera counter: unauthorized\. it refuses this password \(401\)$/,
    ],
    ['a camera that nobody reports', stateOf({ camera: 'other' }), /reports nothing about camera counter$/],
    ['answers that are all withheld', stateOf({ unusual: [{ since: '' }] }), /its answers are withheld$/],
    ['a gateway that is away', stateOf({}, { state: 'offline' }), /: gateway gateway-1 is offline$/],
    [
      'a network that it cannot fetch',
      stateOf(
        {},
        { reported: { bundle: { ...bundle, error: { code: 'BUNDLE_DIGEST', message: 'a part' } } } },
      ),
      /refuses the network: a part \(BUNDLE_DIGEST\)$/,
    ],
    [
      'a broker that is away',
      stateOf({}, {}, { broker: { connected: false, detail: 'nothing listens' } }),
      /cannot reach the broker: nothing listens$/,
    ],
    [
      'a store that is away',
      stateOf({}, {}, { trouble: { code: 'DISK_FULL', message: 'the disk is full', since: '' } }),
      /cannot use its store: the disk is full$/,
    ],
  ])('ends a minute after the last result with %s', (_, state, expected) => {
    const patience = make();
    nowMs += 50_000;
    patience.heardResult();
    patience.heardState(state);
    nowMs += 59_000;
    patience.heardState(state);
    expect(patience.lost).toBeNull();
    nowMs += 1000;
    expect(patience.lost).toEqual(expect.stringMatching(expected));
    patience.heardResult();
    expect(patience.lost).toBeNull();
  });

  it('does not wait for somebody to decide about a gateway in quarantine', () => {
    const patience = make();
    patience.heardState(stateOf({}, { quarantine }));
    expect(patience.lost).toBe('gateway gateway-1 is in quarantine: a thief had it');
  });

  it('ends where the backend is silent', () => {
    const patience = make();
    nowMs += 60_000;
    expect(patience.lost).toBe('the backend has been silent for 60 s');
  });

  it('waits as long as nothing is wrong, or the network is on its way', () => {
    const patience = make();
    patience.heardState(stateOf());
    nowMs += 600_000;
    patience.heardState(stateOf());
    expect(patience.lost).toBeNull();
    for (const progress of [0.1, 0.5, 0.9]) {
      nowMs += 59_000;
      const fetching = { ...bundle, status: 'fetching', progress };
      patience.heardState(stateOf({ state: null }, { reported: { bundle: fetching } }));
      expect(patience.lost).toBeNull();
    }
  });
});

describe('watchResults', () => {
  /** A backend that sends these events and then nothing more. */
  async function backend(...events: [type: string, data: object][]): Promise<string> {
    const text = events.map(([type, data]) => `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`).join('');
    const server = createServer((_, response: ServerResponse) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(text);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  const { gateway, camera } = AWAITED;
  const options = { gateway, cameras: [camera], json: true, print: () => {}, note: () => {} };

  it('ends with how many came and why no more do, where a number was asked for', async () => {
    const held = stateOf({}, { quarantine });
    const origin = await backend(['state', stateOf()], ['result', {}], ['state', held]);
    const { signal } = new AbortController();
    await expect(watchResults({ ...options, origin, once: 2, signal })).rejects.toMatchObject({
      code: 'DEMO_NO_RESULTS',
      message: '1 of 2 results came, then gateway gateway-1 is in quarantine: a thief had it',
    });
    expect(await watchResults({ ...options, origin, once: 1, signal })).toBe(1);
  });

  it('also ends by itself, while it hears nothing', async () => {
    const gone = stateOf({ state: { state: 'unreachable', detail: 'no route' } });
    const origin = await backend(['state', gone]);
    const { signal } = new AbortController();
    const watching = watchResults({ ...options, origin, once: 1, signal, patienceMs: 50 });
    await expect(watching).rejects.toMatchObject({ message: expect.stringContaining('0 of 1 results came') });
  });

  it('waits for ever where no number was asked for', async () => {
    const origin = await backend(['state', stateOf({}, { quarantine })], ['result', {}]);
    const stop = new AbortController();
    const print = () => stop.abort();
    const watching = watchResults({
      ...options,
      origin,
      once: null,
      signal: stop.signal,
      print,
      patienceMs: 1,
    });
    expect(await watching).toBe(1);
  });
});
