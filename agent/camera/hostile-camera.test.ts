import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import sharp from 'sharp';
import { afterEach, expect, it, onTestFinished } from 'vitest';
import { AgentConfig } from '#config/schema.ts';
import type { CameraState } from '#protocol/messages.ts';
import { systemClock } from '#runtime/clock.ts';
import { RetryLadder } from '#runtime/retry.ts';
import { until } from '../testing/until.ts';
import { cameraAddress } from './address.ts';
import { Camera } from './camera.ts';
import { CAPTURE_LIMITS, captureArguments, confined } from './ffmpeg-arguments.ts';

const stop: AbortController[] = [];
afterEach(() => {
  for (const one of stop.splice(0)) one.abort();
});

const MEGABYTE = 2 ** 20;
const SDP = 'v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\n';
const STREAM = 'm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:x\r\n';

/** Writes one piece again and again, as long as somebody reads. */
function pour(socket: Socket, piece: string): void {
  const more = () => {
    while (!socket.destroyed && socket.write(piece)) {
      // The buffer has room.
    }
  };
  socket.on('drain', more);
  more();
}

/** A camera that answers everything with these bytes. */
async function hostile(answer: (socket: Socket, sequence: string) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (data) => {
      const asked = data.toString('latin1');
      const sequence = /CSeq: (\d+)/.exec(asked)?.[1] ?? '1';
      if (asked.startsWith('OPTIONS'))
        socket.write(`RTSP/1.0 200 OK\r\nCSeq: ${sequence}\r\nPublic: DESCRIBE\r\n\r\n`);
      else answer(socket, sequence);
    });
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await until('the camera', () => server.listening);
  return (server.address() as AddressInfo).port;
}

const described = (sequence: string, length: number) =>
  `RTSP/1.0 200 OK\r\nCSeq: ${sequence}\r\nContent-Type: application/sdp\r\nContent-Length: ${length}\r\n\r\n`;

/** Largest memory that a process has had, in bytes; 0 where it is gone. */
function peakOf(pid: number | undefined): number {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

it.each<[string, (socket: Socket, sequence: string) => void]>([
  ['a header without end', (socket) => pour(socket, `X: ${'a'.repeat(65_000)}`)],
  [
    'headers without end',
    (socket) => {
      socket.write('RTSP/1.0 200 OK\r\n');
      pour(socket, 'X: a\r\n'.repeat(10_000));
    },
  ],
  [
    'a description without end',
    (socket, sequence) => {
      socket.write(described(sequence, 2 ** 31 - 1) + SDP);
      pour(socket, 'a=x\r\n'.repeat(10_000));
    },
  ],
  [
    'a description of negative length',
    (socket, sequence) => {
      socket.write(described(sequence, -1) + SDP);
      pour(socket, STREAM);
    },
  ],
  [
    '200 000 streams',
    (socket, sequence) => {
      const body = SDP + STREAM.repeat(200_000);
      socket.write(described(sequence, body.length) + body);
    },
  ],
  [
    'a picture of 60 000 × 60 000',
    (socket, sequence) => {
      const body = `${SDP}${STREAM}a=framesize:96 60000-60000\r\na=framerate:1000000000\r\n`;
      socket.write(described(sequence, body.length) + body);
    },
  ],
])('a camera that sends %s costs bounded memory and time, and is said to fail', async (_, answer) => {
  const port = await hostile(answer);
  const url = `rtsp://127.0.0.1:${port}/live`;
  const abort = new AbortController();
  stop.push(abort);
  const states: CameraState[] = [];
  const camera = new Camera({
    config: AgentConfig.shape.cameras.parse([{ name: 'front', url, stallSeconds: 1 }])[0]!,
    readAddress: async () => cameraAddress(url),
    clock: systemClock,
    ladders: { failed: () => new RetryLadder([60_000]) },
    firstPictureMs: 4_000,
    onFrame: () => {},
    onState: (changed) => states.push(changed.state),
  });
  let peak = 0;
  const looking = setInterval(() => {
    peak = Math.max(peak, peakOf(camera.capturePid));
  }, 20);
  const running = camera.run(abort.signal);
  const failed = await until('the end', () => states.find(({ state }) => state !== 'starting'), 120_000);
  clearInterval(looking);
  expect(failed.state).not.toBe('streaming');
  expect(failed.detail.length).toBeLessThan(600);
  expect(camera.capturePid).toBeUndefined();
  expect(peak).toBeGreaterThan(0);
  expect(peak).toBeLessThan(512 * MEGABYTE);
  abort.abort();
  await running;
});

it('a JPEG that claims 15 360 × 15 360 pixels is not decoded, and takes no memory for them', async () => {
  const jpeg = await sharp({ create: { width: 64, height: 64, channels: 3, background: 'red' } })
    .jpeg()
    .toBuffer();
  const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]));
  jpeg.writeUInt16BE(15_360, frame + 5);
  jpeg.writeUInt16BE(15_360, frame + 7);
  // The arguments of a capture, but for where the pictures come from.
  const all = captureArguments(10, CAPTURE_LIMITS);
  const [from, to] = [all.indexOf('concat'), all.indexOf('-map')];
  const given = [...all.slice(0, from), 'mjpeg', '-i', 'pipe:0', ...all.slice(to)].map((one) =>
    one.startsWith('concat,') ? 'mjpeg' : one,
  );
  const child = spawn('/bin/sh', confined(CAPTURE_LIMITS, ['ffmpeg', ...given]));
  let said = '';
  let bytes = 0;
  let peak = 0;
  const looking = setInterval(() => {
    peak = Math.max(peak, peakOf(child.pid));
  }, 2);
  child.stderr.on('data', (data) => {
    said += data;
  });
  child.stdout.on('data', (data: Buffer) => {
    bytes += data.length;
  });
  for (let i = 0; i < 50; i++) child.stdin.write(jpeg);
  child.stdin.on('error', () => {}).end();
  await once(child, 'close');
  clearInterval(looking);
  expect(said).toMatch(/15360x15360|dimensions|Invalid/i);
  expect(bytes).toBe(0);
  expect(peak).toBeGreaterThan(0);
  expect(peak).toBeLessThan(256 * MEGABYTE);
});
