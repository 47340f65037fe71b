import { EventEmitter, once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { GatewayView, SiteEvent, SiteState } from '#protocol/api.ts';
import { EventHub } from './event-hub.ts';

/** On a busy machine. */
const WAIT = { timeout: 60_000 };

const STATE: SiteState = {
  site: 'yard',
  time: '2026-01-01T00:00:00.000Z',
  commandLine: 'blindsight …',
  broker: { connected: true, detail: '' },
  gateways: [],
  cameras: [],
  models: [],
  counters: { accepted: 0, duplicates: 0, gaps: 0, refused: {}, withheld: 0 },
  endingCertificates: [],
  alerts: { open: [], count: 0 },
  rollouts: [],
  auditShare: 0.02,
};
const LARGE: SiteEvent = { type: 'state', data: { ...STATE, site: 'x'.repeat(100_000) } };

describe('the event hub', () => {
  let hub: EventHub;
  let server: Server;
  let responses: ServerResponse[];
  let sockets: Socket[];
  beforeEach(async () => {
    hub = new EventHub(
      async () => STATE,
      () => {},
    );
    responses = [];
    sockets = [];
    server = createServer(({ url }, response) => {
      responses.push(response);
      void hub.add(response, url === '/changes');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => {
    hub.close();
    for (const socket of sockets) socket.destroy();
    server.closeAllConnections();
    server.close();
  });

  function openReader(wantsChanges = false): Socket {
    const address = server.address();
    const socket = connect(typeof address === 'object' && address !== null ? address.port : 0, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(`GET /${wantsChanges ? 'changes' : ''} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
    sockets.push(socket);
    return socket;
  }

  it('tells what changes to who asks for it, all against the same state, and all of it to the others', async () => {
    const gateways = ['a', 'b'].map((name) => ({ name, version: '1' }) as GatewayView);
    let state: SiteState = { ...STATE, gateways };
    hub.close();
    hub = new EventHub(
      async () => state,
      () => {},
    );
    const texts = ['', '', ''];
    const read = (i: number) =>
      openReader(i > 0).on('data', (data) => {
        texts[i] += data.toString();
      });
    read(0);
    read(1);
    await vi.waitFor(() => expect(texts[1]).toContain('event: state'), WAIT);
    // Told nobody yet, when the third one comes: the second one must hear of it, too.
    state = { ...state, gateways: [gateways[0]!, { ...gateways[1]!, version: '2' }] };
    read(2);
    await vi.waitFor(() => expect(texts[2]).toContain('"version":"2"'), WAIT);
    await vi.waitFor(
      () => expect(texts[1]).toMatch(/event: change\ndata: .*"changed":\[\{"name":"b","version":"2"\}\]/),
      WAIT,
    );
    state = { ...state, broker: { connected: false, detail: 'gone' } };
    hub.stateChanged();
    const changed =
      'event: change\ndata: {"time":"2026-01-01T00:00:00.000Z","broker":{"connected":false,"detail":"gone"}}\n\n';
    for (const i of [1, 2]) await vi.waitFor(() => expect(texts[i]).toContain(changed), WAIT);
    await vi.waitFor(() => expect(texts[0]).toMatch(/event: state\ndata: .*"gone".*\n/), WAIT);
    expect(texts[0]).not.toContain('event: change');
    for (const i of [1, 2]) expect(texts[i]!.match(/event: state/g)).toHaveLength(1);
  });

  it('cuts off a reader that does not read, and goes on serving the others', async () => {
    let text = '';
    openReader().on('data', (data) => {
      text += data.toString();
    });
    await vi.waitFor(() => expect(text).toContain('event: state'), WAIT);
    openReader().pause();
    await vi.waitFor(() => expect(responses).toHaveLength(2), WAIT);
    const slow = responses[1]!;
    for (let count = 0; count < 200 && !slow.destroyed; count++) {
      hub.publish(LARGE);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(slow.destroyed).toBe(true);
    expect(slow.writableLength).toBeLessThan(2_000_000);
    expect(responses[0]!.destroyed).toBe(false);
  });

  it('says the state every 15 seconds, so that a page can tell a calm site from a dead line', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    hub.close();
    hub = new EventHub(
      async () => STATE,
      () => {},
    );
    let text = '';
    openReader().on('data', (data) => {
      text += data.toString();
    });
    const states = () => text.match(/event: state/g)?.length ?? 0;
    await vi.waitFor(() => expect(states()).toBe(1), WAIT);
    await vi.advanceTimersByTimeAsync(15_000);
    await vi.waitFor(() => expect(states()).toBe(2), WAIT);
    hub.close();
    vi.useRealTimers();
  });

  it('puts together one state at a time, and another one if it has changed meanwhile', async () => {
    hub.close();
    const waiting: (() => void)[] = [];
    hub = new EventHub(
      () => new Promise((resolve) => waiting.push(() => resolve(STATE))),
      () => {},
    );
    openReader();
    await vi.waitFor(() => expect(waiting).toHaveLength(1), WAIT);
    waiting[0]!();
    await vi.waitFor(() => expect(responses[0]!.headersSent).toBe(true), WAIT);
    hub.stateChanged();
    await vi.waitFor(() => expect(waiting).toHaveLength(2), WAIT);
    for (let i = 0; i < 3; i++) {
      hub.stateChanged();
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    expect(waiting).toHaveLength(2);
    waiting[1]!();
    await vi.waitFor(() => expect(waiting).toHaveLength(3), WAIT);
  });

  it('takes a tenth of the processor time at most for states, however long one takes, and gives a sign of life meanwhile', async () => {
    vi.useFakeTimers({ now: Date.parse(STATE.time) });
    onTestFinished(() => void vi.useRealTimers());
    hub.close();
    let reads = 0;
    let usedMs = 0;
    const usage = vi
      .spyOn(process, 'threadCpuUsage')
      .mockImplementation(() => ({ user: 1000 * usedMs, system: 0 }));
    onTestFinished(() => usage.mockRestore());
    hub = new EventHub(
      async () => {
        reads += 1;
        usedMs += 3000;
        await new Promise((resolve) => setTimeout(resolve, 3000));
        return { ...STATE, time: new Date().toISOString() };
      },
      () => {},
    );
    const heard: { readonly atMs: number; readonly text: string }[] = [];
    const response = Object.assign(new EventEmitter(), {
      writeHead: () => {},
      write: (text: string) => heard.push({ atMs: Date.now(), text }),
      end: () => {},
      writableLength: 0,
    });
    const opened = hub.add(response as unknown as ServerResponse, true);
    await vi.advanceTimersByTimeAsync(3000);
    await opened;
    reads = 0;
    const minutes = 11;
    for (let tenth = 0; tenth < 600 * minutes; tenth++) {
      hub.stateChanged();
      await vi.advanceTimersByTimeAsync(100);
    }
    // One of three seconds in each 33.
    expect(reads).toBeGreaterThanOrEqual(20 * minutes * 0.08);
    expect(3 * reads).toBeLessThanOrEqual(60 * minutes * 0.1);
    const silences = heard.slice(1).map(({ atMs }, i) => atMs - heard[i]!.atMs);
    expect(Math.max(...silences)).toBeLessThanOrEqual(15_000);
    const times = heard.flatMap(({ text, atMs }) =>
      [...text.matchAll(/event: change\ndata: (.*)\n/g)].map(
        ([, json]) => (JSON.parse(json!) as SiteState).time === new Date(atMs).toISOString(),
      ),
    );
    expect(times.length).toBeGreaterThan(reads);
    expect(times).not.toContain(false);
  });

  it('makes no long pause after a state that waited for something else', async () => {
    vi.useFakeTimers({ now: Date.parse(STATE.time) });
    onTestFinished(() => void vi.useRealTimers());
    hub.close();
    let reads = 0;
    hub = new EventHub(
      async () => {
        reads += 1;
        await new Promise((resolve) => setTimeout(resolve, 3000));
        if (reads % 2 === 0) throw new Error('the database does not answer');
        return STATE;
      },
      () => {},
    );
    const response = { writeHead: () => {}, write: () => {}, end: () => {}, writableLength: 0 };
    const opened = hub.add(Object.assign(new EventEmitter(), response) as unknown as ServerResponse, true);
    await vi.advanceTimersByTimeAsync(3000);
    await opened;
    for (let tenth = 0; tenth < 600; tenth++) {
      hub.stateChanged();
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(reads).toBeGreaterThan(10);
  });

  it('ends a stream whose first state cannot be read', async () => {
    const errors: unknown[] = [];
    hub.close();
    hub = new EventHub(
      async () => {
        throw new Error('the disk is gone');
      },
      (error) => errors.push(error),
    );
    const reader = openReader();
    await once(reader, 'close');
    expect(errors).toHaveLength(1);
    expect(hub.isFull).toBe(false);
  });

  it('forgets readers that leave, and has a bound', async () => {
    for (let count = 0; count < 64; count++) openReader();
    await vi.waitFor(() => expect(hub.isFull).toBe(true), WAIT);
    sockets[0]!.destroy();
    await vi.waitFor(() => expect(hub.isFull).toBe(false), WAIT);
  });
});
