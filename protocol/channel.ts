import { z } from 'zod';
import { NAME_PATTERN } from './topics.ts';

/** One line: it becomes part of headers, of what is said to a server, or of the journal. */
const text = (characters: number) =>
  z
    .string()
    .min(1)
    .max(characters)
    .regex(/^[^\p{Cc}\p{Zl}\p{Zp}]*$/u, 'one line of text');
const address = z
  .url({ protocol: /^https?$/, error: 'an address that begins with https:// or http://' })
  .max(2000);
const mail = z.email().max(200);

/** Private addresses are those of this machine and of the networks that it is in; see docs/alerts.md. */
const allowPrivate = z.boolean().default(false);
/** PEM of the authority that has issued the certificate of the other side, where no public one has. */
const ca = z.string().min(1).max(20_000).exactOptional();

/** How a channel is reached. All of it is kept sealed: addresses, too, may hold secrets. */
export const ChannelSettings = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('webhook'),
    url: address,
    /** Key of the signature; made where it is left out. */
    secret: z.string().min(16).max(200).exactOptional(),
    allowPrivate,
    ca,
  }),
  z.strictObject({
    kind: z.literal('email'),
    host: text(253),
    port: z.number().int().min(1).max(65_535).exactOptional(),
    /** `none` sends in the clear, and only without password. */
    tls: z.enum(['starttls', 'tls', 'none']).default('starttls'),
    user: text(200).exactOptional(),
    password: text(500).exactOptional(),
    from: mail,
    to: z.array(mail).min(1).max(20),
    ca,
  }),
  z.strictObject({
    kind: z.literal('ntfy'),
    /** Of the topic: https://ntfy.sh/TOPIC. */
    url: address,
    token: text(500).exactOptional(),
    allowPrivate,
    ca,
  }),
  z.strictObject({ kind: z.literal('gotify'), url: address, token: text(500), allowPrivate, ca }),
  z.strictObject({
    kind: z.literal('telegram'),
    token: z.string().regex(/^\d+:[\w-]{20,}$/, 'the token that BotFather gave, as in 123456:ABC…'),
    chat: z.string().regex(/^(-?\d+|@\w+)$/, 'the number of a chat, or @channel'),
    /** Of a Bot API server of one's own. */
    url: address.default('https://api.telegram.org'),
    allowPrivate,
    ca,
  }),
]);
export type ChannelSettings = z.infer<typeof ChannelSettings>;
export type ChannelKind = ChannelSettings['kind'];

/** A name by which rules call a channel. */
export const ChannelName = z.string().regex(NAME_PATTERN);

/** GET /api/channels: where alerts are sent. Holds no secret. */
export type ChannelView = {
  readonly name: string;
  readonly kind: ChannelKind;
  /** Where it leads, as far as that is no secret: a host, or addresses of mail. */
  readonly to: string;
  readonly created: string;
  /** Alerts that wait to be delivered. */
  readonly waiting: number;
  /** When something was delivered last. */
  readonly delivered: string | null;
  /** Why the last attempt failed; null where it did not. */
  readonly trouble: string | null;
};

/** POST /api/channels: the secret is told this once. */
export type AddedChannel = ChannelView & { readonly secret?: string };
