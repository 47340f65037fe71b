import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { channelRequest } from './channel-request.ts';

it('docs/alerts.md shows a real request, and how to check it', async () => {
  const page = await readFile(join(import.meta.dirname, '../../docs/alerts.md'), 'utf8');
  const [, secret = ''] = /with the secret `([^`]+)`/.exec(page) ?? [];
  const [, head = '', body = ''] = /```http\n([\s\S]+?)\n\n([^\n]+)\n```/.exec(page) ?? [];
  const [, header = ''] = /^x-blindsight-signature: (.+)$/m.exec(head) ?? [];
  const [, code = ''] = /```js\n([\s\S]+?)```/.exec(page) ?? [];
  const { isGenuine } = (await import(`data:text/javascript,${encodeURIComponent(code)}`)) as {
    isGenuine: (...words: readonly (string | number)[]) => boolean;
  };
  const seconds = Number(/t=(\d+)/.exec(header)?.[1]);
  expect(isGenuine(header, body, secret, seconds)).toBe(true);
  expect(isGenuine(header, body, secret, seconds + 301)).toBe(false);
  expect(isGenuine(header, `${body} `, secret, seconds)).toBe(false);
  expect(isGenuine(header, body, `${secret}x`, seconds)).toBe(false);
  expect(isGenuine('', body, secret, seconds)).toBe(false);

  const sent = channelRequest(
    { kind: 'webhook', url: 'https://guard.example.org/alerts', secret, allowPrivate: false },
    JSON.parse(body),
    seconds * 1000,
  );
  expect(sent.headers['x-blindsight-signature']).toBe(header);
  expect(sent.body).toBe(body);
});
