import { describe, expect, it } from 'vitest';
import { cameraAddress } from './address.ts';
import { CAPTURE_LIMITS, captureArguments, captureScript } from './ffmpeg-arguments.ts';

describe('cameraAddress', () => {
  it('keeps user, password and query out of what is shown', () => {
    const address = cameraAddress('rtsp://me:pa%40ss@cam.local/stream?token=abc');
    expect(address).toMatchObject({ host: 'cam.local', port: 554, display: 'rtsp://cam.local/stream' });
    expect(address.secretUrl).toBe('rtsp://me:pa%40ss@cam.local/stream?token=abc');
    expect(address.secrets).toEqual(['pa%40ss', 'pa@ss', 'token=abc']);
  });

  it.each(['user=me&password=word&channel=1', 'user=me_password=word_channel=1', 'PWD=word'])(
    'shows no login that stands in the path: %s',
    (login) => {
      const address = cameraAddress(`rtsp://cam.local/live/${login}/main.sdp`);
      expect(address).toMatchObject({ display: 'rtsp://cam.local/live/***/main.sdp', secrets: [login] });
      expect(address.secretUrl).toContain(login);
    },
  );

  it('prefers the credentials file and encodes what a URL cannot hold', () => {
    const address = cameraAddress('rtsps://old:word@[::1]:8554/a', "me:p:w'/ @%");
    expect(address).toMatchObject({ host: '::1', port: 8554, display: 'rtsps://[::1]:8554/a' });
    expect(address.secretUrl).toBe("rtsps://me:p%3Aw'%2F%20%40%25@[::1]:8554/a");
  });

  it.each(['http://a/b', 'rtsp://a/b\noption x y', "rtsp://a/b c'"])(
    'refuses %j without repeating it',
    (url) => {
      expect(() => cameraAddress(url)).toThrow(expect.objectContaining({ code: 'CAMERA_ADDRESS' }));
      expect(() => cameraAddress(url)).not.toThrow(url);
    },
  );

  it('refuses credentials without a user', () => {
    expect(() => cameraAddress('rtsp://a/b', 'hello')).toThrow(/user:password/);
  });
});

describe('what ffmpeg is told', () => {
  it('holds the address in the playlist only, quoted', () => {
    const secretUrl = "rtsp://u:it's@h/p";
    expect(captureScript({ secretUrl, timeoutMs: 1500, rate: 5 })).toContain(
      "file 'rtsp://u:it'\\''s@h/p'\n",
    );
    expect(captureScript({ secretUrl, timeoutMs: 1500, rate: 5 })).toContain('option timeout 1500000\n');
    expect(captureArguments(5, CAPTURE_LIMITS).join(' ')).not.toContain('rtsp://');
  });
});
