import type { ChannelSettings } from '#protocol/channel.ts';
import { channelRequest } from './channel-request.ts';
import type { OutgoingAlert } from './outgoing-alert.ts';
import { sendMail } from './send-mail.ts';
import { type Lookup, sendRequest } from './send-request.ts';

export type DeliverOptions = {
  readonly nowMs: number;
  readonly signal: AbortSignal;
  /** How long the other side may take; by default as its kind needs. */
  readonly timeoutMs?: number;
  readonly lookup?: Lookup;
};

/**
 * Sends an alert through a channel, once. Resolves when the other side has it.
 *
 * @throws BlindsightError CHANNEL_ADDRESS_PRIVATE, CHANNEL_REFUSED, CHANNEL_UNREACHABLE; what the signal has as reason.
 */
export async function deliverAlert(
  settings: ChannelSettings,
  outgoing: OutgoingAlert,
  { nowMs, ...options }: DeliverOptions,
): Promise<void> {
  if (settings.kind === 'email') return sendMail(settings, outgoing, options);
  const { allowPrivate, ca } = settings;
  await sendRequest(channelRequest(settings, outgoing, nowMs), {
    ...{ ...options, allowPrivate },
    ...(ca !== undefined && { ca }),
  });
}
