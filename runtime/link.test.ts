import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { Aedes } from 'aedes';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from './clock.ts';
import { connectLink, type Link, type LinkOptions, type MessageHandler } from './link.ts';
import { createLogger } from './log.ts';
import { RetryLadder } from './retry.ts';

const WAIT = { timeout: 60_000 };

/** A real broker behind a TCP relay that a test can cut or make swallow what the broker says. */
class Site {
  readonly received: { topic: string; payload: string }[] = [];
  readonly lines: string[] = [];
  readonly links: Link[] = [];
  broker!: Aedes;
  deaf = false;
  #server!: Server;
  #relay!: Server;
  readonly #sockets = new Set<Socket>();
  #port = 0;

  async start(): Promise<void> {
    this.broker = await Aedes.createBroker();
    this.broker.on('publish', ({ topic, payload }, client) => {
      if (client) this.received.push({ topic, payload: payload.toString() });
    });
    this.#server = createServer((socket) => void this.broker.handle(socket));
    await listen(this.#server, 0);
    await this.openRelay();
  }

  async openRelay(): Promise<void> {
    this.#relay = createServer((near) => {
      const far = connect((this.#server.address() as AddressInfo).port);
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          this.#sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
      }
      near.on('data', (data) => far.write(data));
      far.on('data', (data) => {
        if (!this.deaf) near.write(data);
      });
    });
    await listen(this.#relay, this.#port);
    this.#port = (this.#relay.address() as AddressInfo).port;
  }

  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  closeRelay(): void {
    this.#relay.close();
    this.cut();
  }

  link(options: Partial<LinkOptions> = {}): Link {
    const link = connectLink({
      url: `mqtt://127.0.0.1:${this.#port}`,
      clientId: `gate-${this.links.length}`,
      clock: systemClock,
      log: createLogger({
        name: 'test',
        level: 'debug',
        format: 'json',
        destination: { write: (line) => this.lines.push(line) },
      }),
      ladder: new RetryLadder([20]),
      ...options,
    });
    this.links.push(link);
    return link;
  }

  async stop(): Promise<void> {
    await Promise.all(this.links.map((link) => link.close()));
    this.closeRelay();
    this.#server.close();
    await new Promise<void>((resolve) => this.broker.close(resolve));
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
}

let site: Site;
beforeEach(async () => {
  site = new Site();
  await site.start();
});
afterEach(() => site.stop());

const up = (link: Link) =>
  vi.waitFor(() => expect(link.connected).toBe(true), { timeout: 60_000, interval: 5 });

describe('connectLink', () => {
  it('delivers to the handlers whose filter matches, and to nobody after unsubscribing', async () => {
    const reader = site.link();
    const heard: string[] = [];
    const stop = reader.subscribe('a/+/c', (topic, payload) =>
      heard.push(`${topic}=${Buffer.from(payload)}`),
    );
    reader.subscribe('b', () => heard.push('b'));
    await up(reader);
    const writer = site.link();
    await up(writer);
    await writer.publish('a/1/c', 'x');
    await writer.publish('a/1/d', 'x');
    await writer.publish('a/2/c', new Uint8Array([121]), { qos: 0 });
    await vi.waitFor(() => expect(heard).toEqual(['a/1/c=x', 'a/2/c=y']), WAIT);
    stop();
    await writer.publish('a/3/c', 'x');
    await writer.publish('b', '');
    await vi.waitFor(() => expect(heard).toEqual(['a/1/c=x', 'a/2/c=y', 'b']), WAIT);
  });

  it('subscribes with the quality that is asked for, on each connection', async () => {
    const reader = site.link();
    const heard: string[] = [];
    const note: MessageHandler = (topic, payload, { qos }) =>
      void heard.push(`${topic}=${Buffer.from(payload)} ${qos}`);
    reader.subscribe('a/+', note, { qos: 0 });
    reader.subscribe('b', note);
    await up(reader);
    reader.subscribe('c', note, { qos: 0 });
    const writer = site.link();
    await up(writer);
    const say = async (text: string) => {
      const all = ['a/1', 'b', 'c'].map((topic, i) => `${topic}=${text} ${i % 2}`);
      await vi.waitFor(async () => {
        for (const topic of ['a/1', 'b', 'c']) await writer.publish(topic, text);
        expect(heard).toEqual(expect.arrayContaining(all));
      }, WAIT);
      expect(new Set(heard.filter((line) => line.includes(`=${text} `)))).toEqual(new Set(all));
    };
    await say('first');
    const down = new Promise<void>((resolve) => reader.onDown(() => resolve()));
    reader.reconnect();
    await down;
    await up(reader);
    await say('second');
  });

  it('rejects LINK_DOWN at once without a connection, and queues nothing', async () => {
    const link = site.link({ url: 'mqtt://127.0.0.1:1' });
    await expect(link.publish('a', 'x')).rejects.toMatchObject({ code: 'LINK_DOWN' });
    expect(link.connected).toBe(false);
  });

  it('rejects LINK_DOWN when the connection breaks before the acknowledgement', async () => {
    const link = site.link();
    await up(link);
    site.deaf = true;
    const sent = link.publish('a', 'x');
    await vi.waitFor(() => expect(site.received).toHaveLength(1), WAIT); // arrived, but the acknowledgement did not
    site.cut();
    await expect(sent).rejects.toMatchObject({ code: 'LINK_DOWN' });
    site.deaf = false;
    await up(link);
    await link.publish('b', 'y');
    expect(site.received.map(({ topic }) => topic)).toEqual(['a', 'b']); // and was not repeated behind our back
  });

  it('loses nothing that it acknowledged while the connection is cut again and again', async () => {
    const link = site.link();
    const acknowledged: string[] = [];
    let attempts = 0;
    // After each number of acknowledgements, however long those take on a busy machine.
    for (let round = 0; acknowledged.length <= 50 || attempts === acknowledged.length; round++) {
      await up(link);
      let rest = round % 8;
      const batch = Array.from({ length: 8 }, () => String(attempts++));
      const published = Promise.allSettled(
        batch.map(async (id) => {
          await link.publish('a', id.padEnd(20_000, '.'));
          acknowledged.push(id);
          if (--rest === 0) site.cut();
        }),
      );
      if (rest === 0) setImmediate(() => site.cut());
      await published;
    }
    const received = new Set(site.received.map(({ payload }) => payload.replaceAll('.', '')));
    expect(acknowledged.length).toBeGreaterThan(50);
    expect(attempts).toBeGreaterThan(acknowledged.length); // some were cut off, or the test shows nothing
    expect(acknowledged.filter((id) => !received.has(id))).toEqual([]);
  });

  it('restores subscriptions on a new connection before it says up', async () => {
    const link = site.link();
    const heard: string[] = [];
    const events: string[] = [];
    link.subscribe('echo', (_, payload) => heard.push(Buffer.from(payload).toString()));
    link.onUp(async () => {
      events.push('up');
      await link.publish('echo', `after up ${events.length}`);
    });
    link.onDown(() => events.push('down'));
    await vi.waitFor(() => expect(heard).toEqual(['after up 1']), WAIT);
    site.cut();
    await vi.waitFor(() => expect(heard).toEqual(['after up 1', 'after up 3']), WAIT);
    expect(events).toEqual(['up', 'down', 'up']);
  });

  it('starts without a broker, says why once, and connects when it comes', async () => {
    site.closeRelay();
    let attempts = 0;
    const link = site.link({ will: () => ({ topic: 'state', payload: `lost ${++attempts}` }) });
    const reasons: string[] = [];
    link.onDown((reason) => reasons.push(reason.message));
    await vi.waitFor(() => expect(attempts).toBeGreaterThan(3), WAIT);
    expect(reasons).toHaveLength(1);
    expect(reasons[0]).toContain('ECONNREFUSED');
    await site.openRelay();
    await up(link);
  });

  it('leaves its will when the connection breaks, made for that connection', async () => {
    let session = 0;
    const will = () => ({ topic: 'state', payload: `lost ${++session}`, retain: true });
    const link = site.link({ will });
    const watcher = site.link();
    const heard: string[] = [];
    watcher.subscribe('state', (_, payload) => heard.push(Buffer.from(payload).toString()));
    await up(link);
    await up(watcher);
    for (const client of Object.values(site.broker['clients' as keyof Aedes] as object)) {
      if (client.id === 'gate-0') client.conn.destroy();
    }
    await vi.waitFor(() => expect(heard).toEqual(['lost 1']), WAIT);
    await vi.waitFor(() => expect(session).toBe(2), WAIT);
    await up(link);
  });

  it('connects again when it is asked to, without the will of the connection before', async () => {
    let connection = 0;
    const link = site.link({
      will: () => ({ topic: 'state', payload: `lost ${++connection}`, retain: true }),
    });
    await up(link);
    const again = vi.fn();
    link.onUp(again);
    link.reconnect();
    await vi.waitFor(() => expect(again).toHaveBeenCalledTimes(2), WAIT);
    expect(connection).toBe(2);
    const reader = site.link();
    const wills: string[] = [];
    reader.subscribe('state', (_, payload) => wills.push(Buffer.from(payload).toString()));
    await up(reader);
    await link.publish('other', 'x');
    site.cut();
    await vi.waitFor(() => expect(wills).toContain('lost 2'), WAIT);
    expect(wills).not.toContain('lost 1');
  });

  it('publishes the farewell and not the will when it is closed, and does not come back', async () => {
    const link = site.link({ will: { topic: 'state', payload: 'lost' } });
    const watcher = site.link();
    const heard: string[] = [];
    watcher.subscribe('state', (_, payload) => heard.push(Buffer.from(payload).toString()));
    await up(watcher);
    await up(link);
    await link.close([{ topic: 'state', payload: 'stopped', retain: true }]);
    await vi.waitFor(() => expect(heard).toEqual(['stopped']), WAIT);
    await systemClock.sleep(150);
    expect(heard).toEqual(['stopped']);
    expect(link.connected).toBe(false);
    await expect(link.publish('a', 'x')).rejects.toMatchObject({ code: 'LINK_DOWN' });
  });

  it('closes without a word of a lost link, also where the broker still talks', async () => {
    const link = site.link();
    link.subscribe('news', () => undefined);
    let downs = 0;
    link.onDown(() => downs++);
    await up(link);
    const talking = setInterval(() => {
      site.broker.publish(
        { cmd: 'publish', topic: 'news', payload: 'x', qos: 1, retain: false, dup: false },
        () => {},
      );
    }, 0);
    await link.close([{ topic: 'state', payload: 'stopped' }]);
    clearInterval(talking);
    await systemClock.sleep(50);
    expect(downs).toBe(0);
    expect(site.lines.filter((line) => line.includes('link lost'))).toEqual([]);
  });

  it('closes within seconds although the broker does not answer, and at once while it is down', async () => {
    const link = site.link();
    await up(link);
    site.deaf = true;
    await link.close([{ topic: 'state', payload: 'stopped' }]);
    site.deaf = false;
    await site.link({ url: 'mqtt://127.0.0.1:1' }).close();
  });

  it('stops publishing for a caller that gives up, and stops for good when its signal aborts', async () => {
    const controller = new AbortController();
    const link = site.link({ signal: controller.signal });
    await up(link);
    site.deaf = true;
    const caller = new AbortController();
    const sent = link.publish('a', 'x', { signal: caller.signal });
    caller.abort(new Error('given up'));
    await expect(sent).rejects.toThrow('given up');
    const waiting = link.publish('b', 'x');
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'LINK_DOWN' });
    await vi.waitFor(() => expect(link.connected).toBe(false), WAIT);
  });

  it('says which topic the broker refuses and keeps the others', async () => {
    site.broker.authorizeSubscribe = (_, subscription, done) =>
      done(null, subscription.topic === 'secret' ? null : subscription);
    const link = site.link();
    const heard: string[] = [];
    link.subscribe('secret', () => heard.push('secret'));
    link.subscribe('open', () => heard.push('open'));
    await up(link);
    await link.publish('secret', '');
    await link.publish('open', '');
    await vi.waitFor(() => expect(heard).toEqual(['open']), WAIT);
    expect(site.lines.some((line) => line.includes('LINK_REFUSED') && line.includes('secret'))).toBe(true);
  });

  it('survives handlers that throw', async () => {
    const link = site.link();
    const heard: string[] = [];
    link.subscribe('a', () => {
      throw new Error('handler broke');
    });
    link.subscribe('a', () => heard.push('second'));
    await up(link);
    await link.publish('a', '');
    await vi.waitFor(() => expect(heard).toEqual(['second']), WAIT);
    expect(site.lines.join('')).toContain('handler broke');
  });
});
