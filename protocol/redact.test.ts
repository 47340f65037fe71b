import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redactLine, redactText } from './redact.ts';

describe('redaction', () => {
  it.each([
    ['rtsp://ann:geheimnis@10.0.0.1/live', 'rtsp://***@10.0.0.1/live'],
    [
      'rtsp://10.0.0.1/live?user=ann&pwd=geheimnis&channel=1',
      'rtsp://10.0.0.1/live?user=***&pwd=***&channel=1',
    ],
    ['rtsp://10.0.0.1/user=ann_password=geheimnis_channel=1.sdp', 'rtsp://10.0.0.1/user=***'],
    ['rtsp://10.0.0.1/live;password=geheimnis', 'rtsp://10.0.0.1/live;password=***'],
    ['a://b@c d e://f@g', 'a://***@c d e://***@g'],
    ['://a@b and x://', '://a@b and x://'],
  ])('hides passwords in addresses: %s', (text, redacted) => {
    expect(redactText(text)).toBe(redacted);
    expect(redactLine(JSON.stringify({ msg: text }))).toBe(JSON.stringify({ msg: redacted }));
  });

  it('hides the same as the expression that it was, and leaves JSON as JSON', () => {
    const pieces = fc.constantFrom(
      'a',
      'rtsp://',
      '://',
      '@',
      ' ',
      '"',
      '\\',
      '/',
      '\n',
      '?pwd=',
      'é',
      '-.+',
      ':',
    );
    const texts = fc.array(pieces, { maxLength: 40 }).map((all) => all.join(''));
    fc.assert(
      fc.property(texts, (text) => {
        const hidden = text.replace(/([a-z][a-z0-9+.-]*:\/\/)\S*@/gi, '$1***@');
        // A scheme begins with a letter; here it may begin with a digit, too, which hides more.
        const before = redactText(hidden);
        expect(redactText(text)).toBe(before);
        const parsed: { msg: string } = JSON.parse(redactLine(JSON.stringify({ msg: text })));
        if (!/["\\\n]/.test(text)) expect(parsed.msg).toBe(before);
      }),
    );
  });

  it('hides keys up to the end of their string in JSON, and not up to a quote that is escaped', () => {
    const line = JSON.stringify({ msg: '-----BEGIN PRIVATE KEY-----\nMC4=" }', next: '\\' });
    expect(JSON.parse(redactLine(line))).toEqual({ msg: '***', next: '\\' });
  });

  it.each([
    ['letters', 'a'],
    ['schemes', 'rtsp://'],
    ['credentials', 'rtsp://a@'],
    ['schemes without end', 'a:/'],
    ['queries', '?pwd='],
    ['keys', '-----BEGIN PRIVATE KEY-----'],
    ['beginnings of keys', '-----BEGIN '],
    ['names of keys', 'PRIVATE KEY'],
    ['escapes', '\\"'],
    ['backslashes', '\\'],
  ])('takes time in proportion to the text, made of %s', (_, unit) => {
    // Eight times the text, which may take up to 40 times as long where garbage is collected; with its square it would be 64 times seconds.
    const [short, long] = [65_536, 524_288].map((length) => unit.repeat(length / unit.length));
    for (const redact of [redactText, redactLine]) {
      expect(quickest(() => redact(long!))).toBeLessThan(40 * quickest(() => redact(short!)) + 10_000);
    }
  });
});

/** Microseconds of this thread that the quickest of some runs takes: other work of the machine does not count. */
function quickest(work: () => void): number {
  const times = Array.from({ length: 7 }, () => {
    const before = process.threadCpuUsage();
    work();
    const { user, system } = process.threadCpuUsage(before);
    return user + system;
  });
  return Math.min(...times);
}
