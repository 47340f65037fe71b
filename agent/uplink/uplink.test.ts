import { describe, expect, it, vi } from 'vitest';
import { gatewayTopics, siteTopics } from '#protocol/topics.ts';
import type { Link, MessageHandler, Will } from '#runtime/link.ts';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { SessionCounter } from './session-counter.ts';
import { Uplink } from './uplink.ts';

const WAIT = { timeout: 60_000 };

const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });
const topics = gatewayTopics('town', 'gate-1');
const backendState = siteTopics('town').backendState;

/** A link in the hands of the test. */
async function bench() {
  const published: { topic: string; message: Record<string, unknown>; retain: boolean }[] = [];
  const handlers = new Map<string, MessageHandler>();
  const calls: string[] = [];
  const goneCameras = {
    gone: ['shed'],
    forget: async (camera: string) => {
      goneCameras.gone = goneCameras.gone.filter((one) => one !== camera);
    },
  };
  let up = () => {};
  let down = () => {};
  let will: () => Promise<Will> = () => Promise.reject(new Error('not set'));
  const link = {
    connected: true,
    publish: async (topic, payload, options) => {
      const text = String(payload);
      published.push({
        topic,
        message: text === '' ? {} : JSON.parse(text),
        retain: options?.retain === true,
      });
    },
    subscribe: (filter, handler) => {
      handlers.set(filter, handler);
      return () => {};
    },
    onUp: (handler) => {
      up = () => void handler();
      return () => {};
    },
    reconnect: () => void calls.push('reconnect'),
    onDown: (handler) => {
      down = () => handler(new Error('gone') as never);
      return () => {};
    },
    close: async (farewell) => {
      for (const { topic, payload } of farewell ?? []) calls.push(`${topic} ${String(payload)}`);
    },
  } satisfies Link;
  const clock = new SimulatedClock();
  const sessions = await SessionCounter.open(await temporaryDirectory(), clock);
  const uplink = new Uplink({
    site: 'town',
    gateway: 'gate-1',
    sessions,
    clock,
    log,
    connect: (makeWill) => {
      will = makeWill;
      return link;
    },
    birth: () => ({ version: '1', platform: 'test', cameras: [], bundle: null }),
    cameraStates: () => [],
    goneCameras,
    reported: () => ({
      bundle: {
        status: 'none',
        active: null,
        previous: null,
        counter: 0,
        progress: 0,
        subject: null,
        error: null,
      },
    }),
    onConfiguration: () => {},
    onCommand: () => {},
    onSoftware: () => {},
    onTrust: () => {},
    onAuditor: () => {},
    onChallenge: () => {},
    onUp: () => calls.push('up'),
    onBackend: (session) => calls.push(`backend ${session}`),
    onReceipt: (digests) => calls.push(`receipt ${digests.length}`),
    onManifest: () => calls.push('manifest'),
    onChunk: () => calls.push('chunk'),
  });
  const hear = (topic: string, message: unknown, retain = false) => {
    const payload = new TextEncoder().encode(JSON.stringify(message));
    const filter = topic.startsWith(topics.command('session', '')) ? topics.command('+', '+') : topic;
    handlers.get(filter)?.(topic, payload, { retain, dup: false, qos: 1 });
  };
  /** The backend's word that this session is nobody else's. */
  const ours = () => {
    const { session } = sessions;
    hear(topics.command('session', String(session)), { atLeast: session });
  };
  return {
    ours,
    uplink,
    published,
    calls,
    hear,
    clock,
    sessions,
    goneCameras,
    up: () => up(),
    down: () => down(),
    will: () => will(),
  };
}

const online = (session: number) => ({ state: 'online', session, time: '2026-01-01T00:00:00.000Z' });

describe('Uplink', () => {
  it('introduces itself on every connection, each with a will of its own session', async () => {
    const { published, up, will, sessions, calls } = await bench();
    const first = JSON.parse(String((await will()).payload));
    expect(first).toMatchObject({ state: 'offline', reason: 'lost', session: sessions.session });
    up();
    expect(published.map(({ topic, retain }) => [topic, retain])).toEqual([
      [topics.birth, true],
      [topics.state, true],
      [topics.reported, true],
      [topics.cameraState('shed'), true],
    ]);
    expect(published[1]?.message).toMatchObject({ state: 'online', session: first.session });
    expect(calls).toEqual(['up']);
    const second = JSON.parse(String((await will()).payload));
    expect(second.session).toBe(first.session + 1);
  });

  it('does not take the end of an earlier session of the backend for the end of this one', async () => {
    const { up, ours, hear, calls } = await bench();
    const offline = (session: number) => ({ ...online(session), state: 'offline' });
    up();
    ours();
    hear(backendState, online(19));
    // Retained, and shown late.
    hear(backendState, offline(18), true);
    expect(calls).toEqual(['up', 'backend 19']);
    hear(backendState, offline(19));
    // One whose database was restored counts from before.
    hear(backendState, online(7));
    hear(backendState, offline(7));
    expect(calls.slice(2)).toEqual(['backend null', 'backend 7', 'backend null']);
  });

  it('clears the retained state of a camera that is gone, once', async () => {
    const { published, up } = await bench();
    up();
    await new Promise((resolve) => setImmediate(resolve));
    up();
    const cleared = published.filter(({ topic }) => topic === topics.cameraState('shed'));
    expect(cleared).toEqual([{ topic: topics.cameraState('shed'), message: {}, retain: true }]);
  });

  it('leaves the state of a camera that came back while another one’s is cleared', async () => {
    const { published, up, goneCameras } = await bench();
    goneCameras.gone = ['shed', 'yard'];
    up();
    goneCameras.gone = ['shed'];
    await new Promise((resolve) => setImmediate(resolve));
    expect(published.map(({ topic }) => topic)).not.toContain(topics.cameraState('yard'));
  });

  it('knows whether the backend is there, and forgets it with the link', async () => {
    const { uplink, calls, hear, up, down, ours } = await bench();
    expect(uplink.obstacle).toMatch(/backend/);
    up();
    ours();
    hear(backendState, online(3), true);
    hear(backendState, online(3), true);
    expect(uplink.obstacle).toBeNull();
    hear(backendState, { ...online(3), state: 'offline' });
    hear(backendState, online(4));
    down();
    expect(calls).toEqual(['up', 'backend 3', 'backend null', 'backend 4', 'backend null']);
  });

  it('sends only in a session that the backend knows as its own, or when no word comes', async () => {
    const { calls, hear, up, down, ours, clock } = await bench();
    up();
    hear(backendState, online(3), true);
    expect(calls).toEqual(['up']);
    ours();
    expect(calls).toEqual(['up', 'backend 3']);
    down();
    up();
    hear(backendState, online(3), true);
    expect(calls).toEqual(['up', 'backend 3', 'backend null', 'up']);
    await clock.advance(1000);
    expect(calls.at(-1)).toBe('backend 3');
  });

  it('begins a new session where somebody has used the present one under its name', async () => {
    const { calls, hear, up, down, sessions, will, published } = await bench();
    await will();
    up();
    hear(backendState, online(3), true);
    const { session } = sessions;
    hear(topics.command('session', String(session)), { atLeast: session + 50 });
    await vi.waitFor(() => expect(calls).toEqual(['up', 'reconnect']), WAIT);
    expect(sessions.session).toBe(session + 50);
    expect(sessions.isTaken(session)).toBe(true);
    down();
    expect(JSON.parse(String((await will()).payload)).session).toBe(session + 50);
    up();
    expect(published.findLast(({ topic }) => topic === topics.birth)?.message.session).toBe(session + 50);
    hear(backendState, online(3), true);
    hear(topics.command('session', String(session)), { atLeast: session + 90 });
    hear(topics.command('session', String(session + 50)), { atLeast: session + 90 }, true);
    hear(topics.command('session', String(session + 50)), { atLeast: 9_007_199_254_740_991 });
    expect(calls, 'no late, retained or absurd word moves it').toEqual([
      'up',
      'reconnect',
      'up',
      'backend 3',
    ]);
    expect(sessions.session).toBe(session + 50);
  });

  it('leaves messages that are not well formed, and retained ones that should not be', async () => {
    const { calls, hear } = await bench();
    hear(backendState, { state: 'online' });
    hear(topics.receipt, { received: ['x'] });
    hear(topics.receipt, { received: ['a'.repeat(64)] }, true);
    hear(topics.bundleChunk, {}, true);
    expect(calls).toEqual([]);
    hear(topics.receipt, { received: ['a'.repeat(64)] });
    expect(calls).toEqual(['receipt 1']);
  });

  it('tells an event of one code once in ten seconds', async () => {
    const { uplink, published, clock } = await bench();
    uplink.publishEvent('warn', 'OUTBOX_DROPPED', 'one');
    uplink.publishEvent('warn', 'OUTBOX_DROPPED', 'two');
    uplink.publishEvent('error', 'BUNDLE_DIGEST', 'other');
    await clock.advance(10_000);
    uplink.publishEvent('warn', 'OUTBOX_DROPPED', 'three');
    expect(published.map(({ message }) => message.message)).toEqual(['one', 'other', 'three']);
  });

  it('says goodbye', async () => {
    const { uplink, calls } = await bench();
    await uplink.close();
    expect(calls[0]).toContain(`${topics.state} {"state":"offline"`);
    expect(calls[0]).toContain('"reason":"stopped"');
  });
});
