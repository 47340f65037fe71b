import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
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

describe('concealCamera', () => {
  it('takes a password out of the process list before anything is set up, and leaves no file behind', async () => {
    const script = `
      import { concealCamera } from './launch.mjs';
      console.log(concealCamera(process.argv.slice(1)).join(' '));
      setTimeout(() => {}, 60_000);`;
    const words = ['--input-type=module', '-e', script, '--', '--camera', 'rtsp://me:geheimnis@host/path'];
    const child = spawn(process.execPath, words, {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { PATH: process.env.PATH },
    });
    const [said] = await once(child.stdout, 'data');
    const [, file] = String(said).trim().split(' ');
    expect(readFileSync(file!, 'utf8')).toBe('rtsp://me:geheimnis@host/path');
    for (const one of ['cmdline', 'environ'])
      expect(readFileSync(`/proc/${child.pid}/${one}`, 'utf8')).not.toContain('geheimnis');
    child.kill('SIGINT');
    await once(child, 'exit');
    expect(existsSync(file!)).toBe(false);
  });
});
