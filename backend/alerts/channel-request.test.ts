import { expect, it } from 'vitest';
import type { Severity } from '#protocol/alert.ts';
import { ChannelSettings } from '#protocol/channel.ts';
import { channelRequest, type HttpChannel } from './channel-request.ts';

const TEXT =
  'present since 02:10\n\ncritical · rule intruder · site yard · since 2026-11-29T01:10:00.000Z, 2 times by now';

function requestOf(settings: unknown, severity: Severity = 'critical') {
  const { headers, body, url } = channelRequest(
    ChannelSettings.parse(settings) as HttpChannel,
    {
      ...{ delivery: 'd-1', site: 'yard' },
      alert: {
        ...{
          id: 7,
          rule: 'intruder',
          severity,
          subject: { kind: 'camera', name: 'door' },
          title: 'Jemand an der Tür',
        },
        ...{
          message: 'present since 02:10',
          raised: '2026-11-29T01:10:00.000Z',
          ended: null,
          acknowledged: null,
          times: 2,
        },
      },
    },
    0,
  );
  return { url, headers, body: JSON.parse(body) as Record<string, unknown> };
}

it('speaks to ntfy as https://docs.ntfy.sh/publish/#publish-as-json says', () => {
  const settings = { kind: 'ntfy', url: 'https://ntfy.example.org/push/our-yard' };
  const { url, headers, body } = requestOf({ ...settings, token: 'tk_1' });
  expect(url).toBe('https://ntfy.example.org/push/');
  expect(headers).toMatchObject({ authorization: 'Bearer tk_1' });
  expect(body).toEqual({ topic: 'our-yard', title: 'Jemand an der Tür', message: TEXT, priority: 5 });
  expect(requestOf(settings).headers).not.toHaveProperty('authorization');
  expect(requestOf(settings, 'info').body.priority).toBe(2);
});

it('speaks to Gotify as https://gotify.net/docs/pushmsg says', () => {
  for (const url of ['https://gotify.example.org/push', 'https://gotify.example.org/push/']) {
    const sent = requestOf({ kind: 'gotify', url, token: 'A1' });
    expect(sent.url).toBe('https://gotify.example.org/push/message');
    expect(sent.headers).toMatchObject({ 'x-gotify-key': 'A1' });
    expect(sent.body).toEqual({ title: 'Jemand an der Tür', message: TEXT, priority: 8 });
  }
});

it('speaks to Telegram as https://core.telegram.org/bots/api#sendmessage says', () => {
  const token = '123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11';
  const { url, body } = requestOf({ kind: 'telegram', token, chat: '-1001234567' });
  expect(url).toBe(`https://api.telegram.org/bot${token}/sendMessage`);
  expect(body).toEqual({ chat_id: '-1001234567', text: `Jemand an der Tür\n${TEXT}` });
});
