import { readFileSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hideCamera } from './launch.mjs';

describe('hideCamera', () => {
  it.each([
    ['two words', ['--once', '3', '--camera', 'rtsp://me:secret@host/path', '--json']],
    ['one word', ['--once', '3', '--camera=rtsp://me:secret@host/path', '--json']],
  ])('moves an address with a password, given in %s, into a file for this user alone', (_, given) => {
    const { args, file } = hideCamera(given);
    expect(args).toEqual(['--once', '3', '--camera-file', file, '--json']);
    expect(readFileSync(file!, 'utf8')).toBe('rtsp://me:secret@host/path');
    expect(statSync(file!).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(file!)).mode & 0o777).toBe(0o700);
    rmSync(dirname(file!), { recursive: true });
  });

  it.each([
    'RTSP://me:secret@host/path',
    'rtsp://host/path?password=secret',
    'rtsp://host/user=me_password=secret',
  ])('also where it stands as in %s', (url) => {
    const { args, file } = hideCamera(['--camera', url]);
    expect(args).toEqual(['--camera-file', file]);
    rmSync(dirname(file!), { recursive: true });
  });

  it('leaves everything else alone', () => {
    for (const given of [['--camera', 'rtsp://host/path'], ['--camera'], ['model', 'list'], []]) {
      expect(hideCamera(given)).toEqual({ args: given, file: null });
    }
  });
});
