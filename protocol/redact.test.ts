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
  ])('hides passwords in addresses: %s', (text, redacted) => {
    expect(redactText(text)).toBe(redacted);
    expect(redactLine(JSON.stringify({ msg: text }))).toBe(JSON.stringify({ msg: redacted }));
  });
});
