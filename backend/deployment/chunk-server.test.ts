import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Chunk, decodeChunk } from '#protocol/chunk.ts';
import { BUNDLE_PARTS } from '#protocol/manifest.ts';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { removeGateway } from '../operations/remove-gateway.ts';
import {
  enrolTestGateway,
  keepTestModel,
  makeTestSite,
  releaseTo,
  type TestSite,
} from '../testing/test-site.ts';
import { ChunkServer } from './chunk-server.ts';

const WAIT = { timeout: 60_000 };

const lines: string[] = [];
const log = createLogger({
  name: 'test',
  level: 'warn',
  format: 'json',
  destination: { write: (line) => lines.push(line) },
});
const PACKET = { retain: false, dup: false, qos: 1 } as const;

describe('the chunk server', () => {
  let site: TestSite;
  let bundle: string;
  let sent: { topic: string; chunk: Chunk }[];
  let underWay: number;
  let mostUnderWay: number;
  /** Resolves what is being published; kept back where a test wants a slow broker. */
  let release: (() => void)[];
  let slow: boolean;
  let server: ChunkServer;

  beforeEach(async () => {
    site = await makeTestSite();
    await keepTestModel(site, 'counter');
    await enrolTestGateway(site, 'gate');
    bundle = await releaseTo(site, 'gate', 'counter');
    sent = [];
    release = [];
    slow = false;
    underWay = 0;
    mostUnderWay = 0;
    server = new ChunkServer({
      store: site.store,
      blobs: site.blobs,
      site: 'yard',
      clock: new SimulatedClock(),
      log,
      link: {
        publish: async (topic, payload) => {
          sent.push({ topic, chunk: decodeChunk(payload as Uint8Array) });
          underWay += 1;
          mostUnderWay = Math.max(mostUnderWay, underWay);
          if (slow) await new Promise<void>((resolve) => release.push(resolve));
          underWay -= 1;
        },
      },
    });
  });
  afterEach(async () => {
    slow = false;
    for (const resolve of release) resolve();
    await server.close();
    await site.close();
  });

  const ask = (request: object, gateway = 'gate') =>
    server.receive(
      `blindsight/v1/yard/${gateway}/bundle/request`,
      Buffer.from(JSON.stringify({ bundle, part: 'program', from: 0, count: 64, ...request })),
      PACKET,
    );

  it('sends the pieces that were asked for, in order, the last one shorter', async () => {
    ask({});
    await server.idle();
    expect(sent.map(({ chunk }) => [chunk.number, chunk.data.length])).toEqual([
      [0, 65_536],
      [1, 70_000 - 65_536],
    ]);
    expect(new Set(sent.map(({ topic }) => topic))).toEqual(
      new Set(['blindsight/v1/yard/gate/bundle/chunk']),
    );
    sent.length = 0;
    ask({ from: 1, count: 1, part: 'self-test' });
    await server.idle();
    expect(sent.map(({ chunk }) => [chunk.part, chunk.number])).toEqual([['self-test', 1]]);
  });

  it('sends nothing beyond the end, of unknown parts, or of what was not released to the asker', async () => {
    await enrolTestGateway(site, 'other');
    ask({ from: 2 });
    ask({ part: 'secret-key' });
    ask({ bundle: 'ab'.repeat(32) });
    ask({}, 'other');
    ask({ from: -1 });
    ask({ count: 1_000_000 });
    server.receive('blindsight/v1/yard/gate/bundle/request', Buffer.from('{'), PACKET);
    await server.idle();
    expect(sent).toEqual([]);
  });

  it('does not let one that asks for nonsense without end fill the log', async () => {
    lines.length = 0;
    for (let i = 0; i < 100; i++) ask({ from: -1 });
    ask({}, 'other');
    await server.idle();
    expect(lines.filter((line) => line.includes('"gateway":"gate"'))).toHaveLength(30);
    expect(lines.filter((line) => line.includes('"gateway":"other"'))).toHaveLength(1);
  });

  it('sends nothing any more to a gateway that was removed', async () => {
    await removeGateway(site, 'gate');
    ask({});
    await server.idle();
    expect(sent).toEqual([]);
  });

  it('keeps few pieces under way, and forgets requests beyond a few', async () => {
    slow = true;
    for (const part of [...BUNDLE_PARTS, ...BUNDLE_PARTS]) ask({ part });
    // Four under way, and one that waits for a place among them.
    await vi.waitFor(() => expect(release.length).toBeGreaterThan(0), WAIT);
    expect(mostUnderWay).toBeLessThanOrEqual(5);
    slow = false;
    for (const resolve of release.splice(0)) resolve();
    await server.idle();
    // The first, which was being served, and the last four.
    expect(sent.filter(({ chunk }) => chunk.number === 0).map(({ chunk }) => chunk.part)).toEqual([
      'program',
      'public-key',
      'constants',
      'evaluation-keys',
      'self-test',
    ]);
  });

  it('does not serve what a broker has retained', async () => {
    const request = Buffer.from(JSON.stringify({ bundle, part: 'program', from: 0, count: 1 }));
    server.receive('blindsight/v1/yard/gate/bundle/request', request, { ...PACKET, retain: true });
    await server.idle();
    expect(sent).toEqual([]);
  });
});
