import { describe, expect, it } from 'vitest';
import { failureFromLines } from './failure.ts';
import { redact } from './redact.ts';

/** Lines as ffmpeg 5.1 writes them. */
describe('failureFromLines', () => {
  it.each([
    ['[rtsp @ 0x55] [error] method DESCRIBE failed: 401 Unauthorized', 'unauthorized'],
    ['[rtsp @ 0x55] [error] method DESCRIBE failed: 403 Forbidden', 'unauthorized'],
    ['[error] pipe:0: Server returned 404 Not Found', 'not-found'],
    ['[tcp @ 0x56] [error] Connection to tcp://10.0.0.9:554?timeout=1 failed: Connection refused', 'refused'],
    ['[tcp @ 0x56] [error] Connection to tcp://10.0.0.9:554 failed: No route to host', 'unreachable'],
    ['[tcp @ 0x55] [error] Failed to resolve hostname cam: Name or service not known', 'unreachable'],
    ["[fatal] Stream map '0:v:0' matches no streams.", 'no-video'],
    ['[error] pipe:0: Connection timed out', 'stalled'],
    ['[error] Could not find codec parameters for stream 0 (Video: none)', 'bad-stream'],
    ['[h264 @ 0x55] [error] Picture size 9000x9000 exceeds specified max pixel count 35389440', 'bad-stream'],
    ['[ppm @ 0x55] [error] Failed to allocate packet of size 24883400', 'bad-stream'],
    ['[h264 @ 0x55] [error] get_buffer() failed', 'bad-stream'],
    ['ffmpeg: error while loading shared libraries: libx.so: failed to map segment', 'failed'],
    ['[rtsp @ 0x55] [error] method SETUP failed: 461 Unsupported transport', 'failed'],
  ])('%s', (line, state) => {
    expect(failureFromLines([line], 'rtsp://cam/')?.state).toBe(state);
  });

  it('does not guess', () => {
    expect(failureFromLines(['[error] pipe:0: Invalid data found when processing input'], 'x')).toBeNull();
    // Sound is not decoded: that it cannot be is no reason for anything.
    const sound = 'Could not find codec parameters for stream 1 (Audio: aac): unspecified number of channels';
    expect(failureFromLines([`[rtsp @ 0x55] [warning] ${sound}`], 'x')).toBeNull();
  });
});

describe('redact', () => {
  it('removes logins, queries and secrets', () => {
    const line = "[concat @ 0x5] Impossible to open 'rtsp://cam:s3c%40ret@h:554/live?token=abc' s3c@ret";
    expect(redact(line, ['s3c@ret', 's3c%40ret', 'token=abc'])).not.toMatch(/s3c|abc/);
  });
});
