import { describe, expect, it } from 'vitest';
import { redactLine, redactText } from '#protocol/redact.ts';
import { createLogger, type LoggerOptions } from './log.ts';

function capture(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = [];
  const destination = { write: (line: string) => lines.push(line) };
  return {
    lines,
    log: createLogger({ name: 'agent', level: 'info', format: 'json', destination, ...options }),
  };
}

describe('createLogger', () => {
  it('writes JSON with name, level and ISO time', () => {
    const { log, lines } = capture();
    log.info({ camera: 'door' }, 'streaming');
    expect(JSON.parse(lines[0]!)).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      name: 'agent',
      camera: 'door',
      msg: 'streaming',
    });
  });

  it('hides passwords in messages, in errors and under telling names, at any depth, and stays JSON', () => {
    const { log, lines } = capture();
    const url = 'rtsp://admin:hunter2@10.0.0.5/live';
    log.warn({ url, err: new Error(`cannot open ${url}`) }, `ffmpeg: ${url}: 401`);
    log.info({ broker: { key: 'hunter2', deep: { deeper: { password: 'hun"ter2' } } } });
    log.info({ token: Buffer.from('hunter2') });
    log.child({ camera: 'door' }).info(`GET http://cam/snap?user=admin&password=hunter2&x=1`);
    log.info('-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----');
    const text = lines.join('');
    for (const line of lines) JSON.parse(line);
    expect(text).not.toMatch(/hunter2|hun\\?"ter2|104,117/);
    expect(text).toContain('rtsp://***@10.0.0.5/live: 401');
    expect(text).toContain('x=1');
  });

  it('hides them in the pretty form too', () => {
    const { log, lines } = capture({ format: 'pretty' });
    log.error(new Error('rtsp://a:hunter2@cam'), 'refused');
    expect(lines.join('')).toContain('refused');
    expect(lines.join('')).not.toContain('hunter2');
  });
});

describe('redaction', () => {
  it.each([
    'rtsp://user:pass@host/x',
    'rtsp://user:p@ss@host/x',
    'rtsp://user:pass/word@host/x',
    'RTSPS://user:pass"word@host/x',
    'mqtts://user:pass@host',
    'postgresql://user:pass@host/db',
  ])('hides user and password of %s, in text and in JSON', (url) => {
    expect(redactText(`at ${url} now`)).not.toMatch(/user|pass|word/);
    const line = JSON.stringify({ a: url, b: 'me@example.org' });
    expect(redactLine(line)).not.toMatch(/user|pass|word/);
    expect(JSON.parse(redactLine(line)).b).toBe('me@example.org');
  });

  it('leaves a URL without credentials as it is', () => {
    expect(redactText('rtsp://host:554/live?channel=1')).toBe('rtsp://host:554/live?channel=1');
  });
});
