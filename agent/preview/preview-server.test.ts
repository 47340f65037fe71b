import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { networkInterfaces } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '#runtime/log.ts';
import type { Frame } from '../camera/frame.ts';
import { PrivacyFilter } from '../privacy/privacy-filter.ts';
import { until } from '../testing/until.ts';
import { PreviewServer } from './preview-server.ts';

const log = createLogger({ name: 'test', level: 'error', format: 'json' });
const token = 'a-long-enough-token';

const cameras = [{ name: 'front', regions: [], masks: [] }];

let preview: PreviewServer;
beforeEach(async () => {
  process.env.BLINDSIGHT_TEST_SECRET = 'hunter2';
  preview = await PreviewServer.start({ port: 0, token, cameras, ffmpegPath: 'ffmpeg', log });
});
afterEach(() => {
  delete process.env.BLINDSIGHT_TEST_SECRET;
  return preview.close();
});

/** Command and environment of the process of this name that is ours. */
async function processOf(name: string) {
  const pid = execFileSync('pgrep', ['-P', String(process.pid), '-x', name], { encoding: 'utf8' }).trim();
  const read = async (file: string) =>
    (await readFile(`/proc/${pid}/${file}`, 'utf8')).split('\0').slice(0, -1);
  return { environment: await read('environ'), command: (await read('cmdline')).join(' ') };
}

const url = (path: string) => `http://127.0.0.1:${preview.port}${path}`;
const bearer = { headers: { Authorization: `Bearer ${token}` } };

function frame(grey: number): Frame {
  return { width: 161, height: 121, data: new Uint8Array(161 * 121 * 3).fill(grey), timeMs: 0, number: 1 };
}

describe('PreviewServer', () => {
  it('shows nothing without the token, and no camera that is not there', async () => {
    expect((await fetch(url('/front'))).status).toBe(401);
    expect((await fetch(url('/front'), { headers: { Authorization: 'Bearer x' } })).status).toBe(401);
    expect((await fetch(url('/back'), bearer)).status).toBe(404);
    expect((await fetch(url('/front'), { ...bearer, method: 'POST' })).status).toBe(405);
    expect(preview.isWatched('front')).toBe(false);
  });

  it('serves the page to everybody on this machine, and what is drawn over the pictures with the token only', async () => {
    const page = await fetch(url('/'));
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
    const text = await page.text();
    for (const file of ['preview.css', 'preview.mjs', 'jsmpeg.mjs']) {
      expect((await fetch(url(`/${file}`))).status, file).toBe(200);
    }
    expect(text).not.toContain('front');
    expect((await fetch(url('/cameras.json'))).status).toBe(401);
    expect(await (await fetch(url('/cameras.json'), bearer)).json()).toEqual(cameras);
    expect((await fetch(url('/../package.json'), bearer)).status).toBe(404);
  });

  it('answers to its own names only: a page of a stranger cannot make its name point here', async () => {
    const ask = (host: string) =>
      new Promise((resolve, reject) => {
        const headers = { Host: host, Authorization: `Bearer ${token}` };
        request({ host: '127.0.0.1', port: preview.port, path: '/cameras.json', headers })
          .on('error', reject)
          .on('response', (response) => resolve(response.resume().statusCode))
          .end();
      });
    expect(await ask('evil.example:8090')).toBe(403);
    expect(await ask('localhost.evil.example')).toBe(403);
    expect(await ask('localhost:8090')).toBe(200);
    expect(await ask('127.0.0.1')).toBe(200);
  });

  it('looks at no token any more after twenty wrong ones in a minute', async () => {
    const wrong = { headers: { Authorization: 'Bearer guess' } };
    const statuses = new Set<number>();
    // A minute may begin in between.
    for (let count = 0; count < 41; count++) statuses.add((await fetch(url('/front'), wrong)).status);
    expect([...statuses]).toEqual([401, 429]);
    expect((await fetch(url('/'))).status).toBe(200);
  });

  it('listens on the loopback interface only', async () => {
    const outside = Object.values(networkInterfaces())
      .flat()
      .find((address) => address?.internal === false && address.family === 'IPv4');
    const host = outside?.address ?? '127.0.0.2';
    const refused = new Promise((resolve) =>
      request({ host, port: preview.port, path: '/front' })
        .on('error', (error: NodeJS.ErrnoException) => resolve(error.code))
        .on('response', () => resolve('answered'))
        .end(),
    );
    expect(await refused).toBe('ECONNREFUSED');
  });

  it('streams masked pictures as MPEG-1 while somebody watches', async () => {
    const watching = new AbortController();
    const response = await fetch(url('/front'), { ...bearer, signal: watching.signal });
    expect(response.headers.get('content-type')).toBe('video/mp2t');
    expect(preview.isWatched('front')).toBe(true);
    const filter = new PrivacyFilter([]);
    const feeding = setInterval(() => preview.show('front', filter.apply(frame(180))), 20);
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    let encoder: Awaited<ReturnType<typeof processOf>> | undefined;
    for await (const piece of response.body!) {
      // Leaving the loop hangs up, and the encoder ends with its last watcher.
      encoder ??= await processOf('ffmpeg');
      pieces.push(piece);
      bytes += piece.length;
      if (bytes > 20_000) break;
    }
    clearInterval(feeding);
    expect(encoder).toEqual({
      environment: [`PATH=${process.env.PATH}`],
      command: expect.stringMatching(/^ffmpeg -i pipe:0 (?!.*(rtsp|@))/),
    });
    expect(process.env.BLINDSIGHT_TEST_SECRET).toBe('hunter2');
    watching.abort();
    const decoded = execFileSync(
      'ffmpeg',
      [
        '-loglevel',
        'quiet',
        '-i',
        'pipe:0',
        '-frames:v',
        '1',
        '-f',
        'rawvideo',
        '-pix_fmt',
        'gray',
        'pipe:1',
      ],
      { input: Buffer.concat(pieces) },
    );
    expect(decoded.length).toBeGreaterThan(640 * 400);
    expect(Math.abs(decoded[decoded.length >> 1]! - 180)).toBeLessThan(8);
    await until('nobody watches', () => !preview.isWatched('front'));
  });
});
