import { readFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AgentConfig, type CameraConfig } from '#config/schema.ts';
import type { CameraState } from '#protocol/messages.ts';
import { systemClock } from '#runtime/clock.ts';
import { RetryLadder } from '#runtime/retry.ts';
import { RtspServer } from '../testing/rtsp-server.ts';
import { until } from '../testing/until.ts';
import { cameraAddress } from './address.ts';
import { Camera, type CameraOptions } from './camera.ts';
import { CAPTURE_LIMITS } from './ffmpeg-arguments.ts';

const PASSWORD = 'gruyère s3cret@:/%';

let server: RtspServer;
let stop = new AbortController();
let running: Promise<void>[] = [];

beforeAll(async () => {
  server = await RtspServer.start({ login: { user: 'viewer', password: PASSWORD } });
});
afterAll(() => server.stop());
afterEach(async () => {
  stop.abort();
  await Promise.all(running);
  stop = new AbortController();
  running = [];
});

function configured(url: string, stallSeconds: number): CameraConfig {
  return AgentConfig.shape.cameras.parse([{ name: 'front', url, stallSeconds }])[0]!;
}

type WatchOptions = Partial<CameraOptions> & { host?: string; port?: number; login?: string };

function watch(path: string, options: WatchOptions = {}) {
  const url = `rtsp://${options.host ?? '127.0.0.1'}:${options.port ?? server.port}${path}`;
  const states: CameraState[] = [];
  const camera = new Camera({
    config: configured(url, 10),
    readAddress: async () => cameraAddress(url, options.login ?? `viewer:${PASSWORD}`),
    clock: systemClock,
    ladders: { failed: () => new RetryLadder([300]) },
    firstPictureMs: 20_000,
    onFrame: () => {},
    onState: (changed) => states.push(changed.state),
    ...options,
  });
  running.push(camera.run(stop.signal));
  const reaches = (state: CameraState['state']) =>
    until(`${path} is ${state}, was ${states.map((s) => s.state)}`, () =>
      states.find((s) => s.state === state),
    );
  return { camera, states, reaches };
}

describe('a camera', () => {
  it('takes no pictures while it is held, says why, and goes on afterwards', async () => {
    const { camera, states, reaches } = watch('/live');
    await reaches('streaming');
    camera.hold('there is no network for it');
    expect(states.at(-1)).toMatchObject({ state: 'no-network', detail: 'there is no network for it' });
    await until('the end of the capture', () => camera.capturePid === undefined);
    const { captured } = camera.counts;
    camera.hold('there is still none');
    expect(states.at(-1)).toMatchObject({ state: 'no-network', detail: 'there is still none' });
    states.length = 0;
    camera.hold(null);
    await reaches('streaming');
    expect(states.map(({ state }) => state)).not.toContain('no-network');
    await until('a picture', () => camera.counts.captured > captured);
  });

  it('delivers its newest picture, and its password is in no argument and no environment', async () => {
    const { camera, reaches } = watch('/live');
    expect(camera.state).not.toHaveProperty('size');
    await reaches('streaming');
    expect(camera.state.size).toEqual({ width: 160, height: 120 });
    const before = Date.now();
    const frame = await until('a picture', () => camera.take());
    expect([frame.width, frame.height, frame.data.length]).toEqual([160, 120, 160 * 120 * 3]);
    expect(Math.abs(frame.timeMs - before)).toBeLessThan(60_000);
    expect(new Set(frame.data).size).toBeGreaterThan(10);
    for (const file of ['cmdline', 'environ']) {
      const text = await readFile(`/proc/${camera.capturePid}/${file}`, 'utf8');
      expect(text.length).toBeGreaterThan(0);
      expect(text).not.toContain('s3cret');
      expect(text).not.toContain('rtsp://');
    }
    const next = await until('a later picture', () => (camera.counts.superseded > 1 ? camera.take() : null));
    expect(next.number).toBeGreaterThan(frame.number + 1);
  });

  it.each([
    ['/jpeg', 168],
    ['/sound-too', 160],
  ])('reads %s', async (path, width) => {
    const { camera, reaches } = watch(path);
    await reaches('streaming');
    const frame = await until('a picture', () => camera.take());
    expect([frame.width, frame.height, frame.data.length]).toEqual([width, 120, width * 120 * 3]);
  });

  it('gives the process that decodes no more memory, files and signals than it needs', async () => {
    const { camera, reaches } = watch('/live');
    await reaches('streaming');
    const limits = await readFile(`/proc/${camera.capturePid}/limits`, 'utf8');
    expect(limits).toMatch(/^Max address space +1073741824 +1073741824 /m);
    expect(limits).toMatch(/^Max file size +0 +0 /m);
    expect(limits).toMatch(/^Max core file size +0 +0 /m);
    // Fields 3 and 4 after the name: its group is its own, not that of the gateway.
    const fields = (await readFile(`/proc/${camera.capturePid}/stat`, 'utf8')).split(') ')[1]!.split(' ');
    expect(Number(fields[2])).toBe(camera.capturePid);
  });

  it.each([
    ['/vp8', CAPTURE_LIMITS, /cannot be decoded; is it H.264/],
    ['/live', { ...CAPTURE_LIMITS, pixels: 160 * 119 }, /larger than a gateway takes/],
  ])('does not decode %s under %j', async (path, limits, detail) => {
    const { camera, reaches } = watch(path, { limits });
    expect((await reaches('bad-stream')).detail).toMatch(detail);
    expect(camera.counts.captured).toBe(0);
  });

  it.each([
    ['/live', 'viewer:wrong-word', 'unauthorized', /user name or password/],
    ['/nowhere', undefined, 'not-found', /no stream at this path/],
    ['/audio', undefined, 'no-video', /no video/],
  ] as const)('names the cause: %s as %s is %s', async (path, login, state, detail) => {
    const { camera, states, reaches } = watch(path, login === undefined ? {} : { login });
    const failed = await reaches(state);
    expect(failed.detail).toMatch(detail);
    expect(failed.nextRetry).not.toBeNull();
    await until('a second attempt', () => states.filter((s) => s.state === state).length > 1);
    expect(JSON.stringify([states, camera.lastLines])).not.toMatch(/s3cret|wrong-word|gruy/);
  });

  it('calls a port without listener refused and a silent one stalled', async () => {
    const sockets: Socket[] = [];
    const mute = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
    await until('the mute server', () => mute.address());
    const { port } = mute.address() as { port: number };
    const silent = watch('/live', { port, firstPictureMs: 2000 });
    expect((await silent.reaches('stalled')).detail).toMatch(/does not answer like a camera/);
    for (const socket of sockets) socket.destroy();
    mute.close();
    expect((await silent.reaches('refused')).detail).toMatch(/nothing listens/);
  });

  it('calls a host to which no way leads unreachable, tries on, and goes on as soon as there is one', async () => {
    let host = 'camera.invalid';
    const { states, reaches } = watch('/live', {
      host,
      readAddress: async () => cameraAddress(`rtsp://${host}:${server.port}/live`, `viewer:${PASSWORD}`),
    });
    const failed = await reaches('unreachable');
    expect(failed.detail).toMatch(/camera\.invalid/);
    expect(failed.nextRetry).not.toBeNull();
    await until('a second attempt', () => states.filter((s) => s.state === 'unreachable').length > 1);
    host = '127.0.0.1';
    await reaches('streaming');
  });

  it('says what to install where ffmpeg is missing', async () => {
    const { reaches } = watch('/live', { ffmpegPath: '/nonexistent/ffmpeg' });
    expect((await reaches('failed')).detail).toMatch(/ffmpeg is not installed/);
  });

  it('sees a stream that hangs and one whose camera went away, and comes back after both', async () => {
    const own = await RtspServer.start();
    const config = configured(`rtsp://127.0.0.1:${own.port}/live`, 3);
    const { camera, states, reaches } = watch('/live', { config, port: own.port, login: 'nobody:needed' });
    const last = () => states.at(-1)?.state;
    await reaches('streaming');
    own.freeze();
    await reaches('stalled');
    own.thaw();
    await until('streaming again', () => last() === 'streaming');
    await own.stop();
    await reaches('refused');
    const again = await RtspServer.start({ port: own.port });
    await until('streaming once more', () => last() === 'streaming');
    await until('a picture', () => camera.take());
    stop.abort();
    await Promise.all(running);
    expect(camera.capturePid).toBeUndefined();
    await again.stop();
  });
});
