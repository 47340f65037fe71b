import type { Severity } from '#protocol/alert.ts';
import type { ChannelSettings } from '#protocol/channel.ts';
import { alertText, type OutgoingAlert } from './outgoing-alert.ts';
import type { OutgoingRequest } from './send-request.ts';
import { signWebhook } from './sign-webhook.ts';

/** Settings of the channels that are reached by HTTP. */
export type HttpChannel = Exclude<ChannelSettings, { readonly kind: 'email' }>;

/** Of ntfy 1 to 5, where 3 is the default and 5 rings through; of Gotify 0 to 10, where 4 and above make a sound, and 8 and above interrupt. */
const PRIORITY: Readonly<Record<Severity, { readonly ntfy: number; readonly gotify: number }>> = {
  info: { ntfy: 2, gotify: 2 },
  warning: { ntfy: 4, gotify: 5 },
  critical: { ntfy: 5, gotify: 8 },
};

const JSON_TYPE = { 'content-type': 'application/json', 'user-agent': 'Blindsight' };

/** What is sent through a channel, in the form that its other side understands: see docs/alerts.md. */
export function channelRequest(
  settings: HttpChannel,
  outgoing: OutgoingAlert,
  nowMs: number,
): OutgoingRequest {
  const { alert, delivery, site } = outgoing;
  const text = alertText(outgoing);
  switch (settings.kind) {
    case 'webhook': {
      const body = JSON.stringify({ version: 1, delivery, site, alert });
      return {
        url: settings.url,
        headers: {
          ...JSON_TYPE,
          'x-blindsight-delivery': delivery,
          'x-blindsight-signature': signWebhook(settings.secret ?? '', body, nowMs),
        },
        body,
      };
    }
    case 'ntfy': {
      const url = new URL(settings.url);
      const topic = url.pathname.split('/').at(-1) ?? '';
      const priority = PRIORITY[alert.severity].ntfy;
      return {
        // As JSON to the address above the topic, because headers hold no text of other alphabets.
        url: new URL('.', url).href,
        headers: {
          ...JSON_TYPE,
          ...(settings.token !== undefined && { authorization: `Bearer ${settings.token}` }),
        },
        body: JSON.stringify({ topic, title: alert.title, message: text, priority }),
      };
    }
    case 'gotify':
      return {
        url: new URL('message', withSlash(settings.url)).href,
        headers: { ...JSON_TYPE, 'x-gotify-key': settings.token },
        body: JSON.stringify({
          title: alert.title,
          message: text,
          priority: PRIORITY[alert.severity].gotify,
        }),
      };
    case 'telegram':
      return {
        // Not relative to the address: what is before its colon would be a scheme.
        url: `${withSlash(settings.url)}bot${settings.token}/sendMessage`,
        headers: JSON_TYPE,
        body: JSON.stringify({ chat_id: settings.chat, text: `${alert.title}\n${text}` }),
      };
  }
}

const withSlash = (url: string): string => (url.endsWith('/') ? url : `${url}/`);
