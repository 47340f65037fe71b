import { randomBytes, randomUUID } from 'node:crypto';
import type { AlertView } from '#protocol/alert.ts';
import { type AddedChannel, ChannelName, ChannelSettings, type ChannelView } from '#protocol/channel.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import { SECRETS } from '../sealing/identities.ts';
import type { Site } from '../site.ts';
import { type DeliverOptions, deliverAlert } from './deliver-alert.ts';

type OpenSite = Pick<Site, 'name' | 'store' | 'vault'>;

/** Of a key of a webhook, in front of it, by which people and scanners recognize it. */
const SECRET_PREFIX = 'blindsight_';

/**
 * Adds a channel. All of its settings are sealed.
 *
 * @param settings what {@link ChannelSettings} describes, not checked
 * @returns the channel; of a webhook also the key of the signature: this once
 * @throws BlindsightError CHANNEL_INVALID, CHANNEL_EXISTS.
 */
export async function addChannel(
  { store, vault }: OpenSite,
  name: string,
  settings: unknown,
  clock: Clock = systemClock,
): Promise<AddedChannel> {
  const checked = withSecret(checkSettings(name, settings));
  const createdMs = clock.now();
  const record = { name, kind: checked.kind, to: leadsTo(checked), createdMs };
  await store.transaction(async (inside) => {
    if (!(await inside.channels.add(record)))
      throw new BlindsightError('CHANNEL_EXISTS', `there is a channel ${name} already`);
    await vault.keep(inside, SECRETS.channel(name), Buffer.from(JSON.stringify(checked)), createdMs);
    await inside.journal.add({
      ...{ timeMs: createdMs, level: 'info', code: 'CHANNEL_ADDED', subject: name },
      message: `alerts can be sent through channel ${name} (${record.kind}, ${record.to})`,
    });
  });
  return {
    ...{ name, kind: record.kind, to: record.to, created: new Date(createdMs).toISOString() },
    ...{ waiting: 0, delivered: null, trouble: null },
    ...(checked.kind === 'webhook' && checked.secret !== undefined && { secret: checked.secret }),
  };
}

/**
 * Removes a channel with its secrets. What waits for it is not delivered any more, and the journal says how much that was.
 *
 * @throws BlindsightError CHANNEL_NOT_FOUND
 */
export async function removeChannel(
  { store }: OpenSite,
  name: string,
  clock: Clock = systemClock,
): Promise<void> {
  await store.transaction(async (inside) => {
    if (!(await inside.channels.remove(name))) throw await missing(inside, name);
    await inside.secrets.remove(SECRETS.channel(name));
    const nowMs = clock.now();
    const left = await inside.deliveries.giveUpBeyond(name, 0, 'the channel was removed', nowMs);
    await inside.journal.add({
      ...{ timeMs: nowMs, level: 'info', code: 'CHANNEL_REMOVED', subject: name },
      message: `channel ${name} was removed${left === 0 ? '' : `; ${left} alerts that waited for it are not delivered`}`,
    });
  });
}

/** All channels by name, and what came of what was sent through them. */
export async function listChannels({ store }: Pick<Site, 'store'>): Promise<ChannelView[]> {
  const counts = new Map((await store.deliveries.counts()).map((one) => [one.channel, one]));
  return (await store.channels.list()).map(({ name, kind, to, createdMs }) => {
    const { waiting = 0, deliveredMs = null, trouble = null } = counts.get(name) ?? {};
    return {
      ...{ name, kind, to, created: new Date(createdMs).toISOString(), waiting, trouble },
      delivered: deliveredMs === null ? null : new Date(deliveredMs).toISOString(),
    };
  });
}

/**
 * Sends an alert through a channel that says that it is a test, once, past the queue. Resolves when the other side has it.
 *
 * @throws BlindsightError CHANNEL_NOT_FOUND, and what {@link deliverAlert} throws.
 */
export async function testChannel(
  site: OpenSite,
  name: string,
  options: Omit<DeliverOptions, 'nowMs'>,
  clock: Clock = systemClock,
): Promise<void> {
  const settings = await openChannel(site, name);
  if (settings === null) throw await missing(site.store, name);
  const nowMs = clock.now();
  const alert: AlertView = {
    ...{ id: 0, rule: 'test', severity: 'info', subject: { kind: 'site', name: site.name } },
    ...{ title: `Test of channel ${name}`, message: 'Alerts of this site arrive here.' },
    ...{ raised: new Date(nowMs).toISOString(), ended: null, acknowledged: null, times: 1 },
  };
  await deliverAlert(settings, { delivery: randomUUID(), site: site.name, alert }, { ...options, nowMs });
}

/** How a channel is reached, unsealed; null where there is none of that name. */
export async function openChannel({ store, vault }: OpenSite, name: string): Promise<ChannelSettings | null> {
  if ((await store.channels.get(name)) === null) return null;
  const bytes = await vault.fetch(store, SECRETS.channel(name));
  const text = Buffer.from(bytes).toString('utf8');
  bytes.fill(0);
  return JSON.parse(text) as ChannelSettings;
}

function checkSettings(name: string, settings: unknown): ChannelSettings {
  const refuse = (why: string) => new BlindsightError('CHANNEL_INVALID', `channel ${name}: ${why}`);
  if (!ChannelName.safeParse(name).success)
    throw refuse('its name has at most 32 lower-case letters, digits and hyphens, none at either end');
  const { data, error } = ChannelSettings.safeParse(settings);
  // Never with the value: it may be a secret.
  if (data === undefined)
    throw refuse(
      error.issues.map(({ path, message }) => `${path.join('.') || 'settings'}: ${message}`).join('; '),
    );
  if (data.kind === 'email') {
    if ((data.user === undefined) !== (data.password === undefined))
      throw refuse('user and password go together');
    if (data.tls === 'none' && data.password !== undefined)
      throw refuse('a password is not sent in the clear; `tls` must be starttls or tls');
  }
  if (data.kind === 'ntfy' && !/^\/(.*\/)?[\w-]{1,64}$/.test(new URL(data.url).pathname))
    throw refuse('url: an address that ends with the topic, as in https://ntfy.sh/TOPIC');
  return data;
}

function withSecret(settings: ChannelSettings): ChannelSettings {
  if (settings.kind !== 'webhook' || settings.secret !== undefined) return settings;
  return { ...settings, secret: `${SECRET_PREFIX}${randomBytes(32).toString('base64url')}` };
}

/** Where a channel leads, without what may be secret: paths, topics, chats. */
function leadsTo(settings: ChannelSettings): string {
  if (settings.kind !== 'email') return new URL(settings.url).origin;
  return `${settings.to.join(', ')} by ${settings.host}`;
}

async function missing(store: Site['store'], name: string): Promise<BlindsightError> {
  const others = (await store.channels.list()).map((one) => one.name).join(', ');
  return new BlindsightError(
    'CHANNEL_NOT_FOUND',
    `there is no channel ${name}; ${others === '' ? 'there are none' : `there are: ${others}`}`,
  );
}
