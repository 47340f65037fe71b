import { z } from 'zod';
import { SEVERITIES } from './alert.ts';
import { CAMERA_STATES } from './messages.ts';
import { GatewayName, Name } from './names.ts';
import { isTimeZone } from './time-zone.ts';

/** Rules that a site may have. */
export const MAX_RULES = 256;

const WEEK_SECONDS = 7 * 24 * 3600;
const seconds = z.number().min(0).max(WEEK_SECONDS);
const cameras = z.union([z.literal('all'), z.array(Name).min(1).max(256)]);
const gateways = z.union([z.literal('all'), z.array(GatewayName).min(1).max(256)]);
const count = z.number().int().min(0).max(10_000);
/** It becomes part of titles, journal and subjects of mails. */
const label = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[^\p{Cc}\p{Zl}\p{Zp}]*$/u, 'one line of text');
const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time of day from 00:00 to 23:59');

/** Order of `Intl` and of clocks: a week begins on Monday. */
export const WEEK_DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

/** States of a gateway that a rule may name. `unknown`: it has said nothing since the backend started. */
export const WATCHED_GATEWAY_STATES = ['offline', 'unknown', 'quarantine', 'runs-twice'] as const;

/** States of a camera that a rule may name. `unknown`: its gateway is not online, or has not spoken of it. */
export const WATCHED_CAMERA_STATES = [...CAMERA_STATES, 'unknown'] as const;

/** When a rule counts; what is told of a day belongs to the day on which it begins. */
export const Schedule = z.strictObject({
  days: z
    .array(z.enum(WEEK_DAYS))
    .min(1)
    .max(7)
    .default([...WEEK_DAYS]),
  from: timeOfDay,
  /** Excluded; earlier than `from`, it is that of the next day; equal to it, a whole day. */
  to: timeOfDay,
  /** By default that of the site. */
  timeZone: z.string().max(64).refine(isTimeZone, 'a time zone such as Europe/Vienna').exactOptional(),
});
export type Schedule = z.infer<typeof Schedule>;

/** What a rule waits for. Everything that is named must hold, for `forSeconds` without a break. */
export const RuleCondition = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('answer'),
    cameras,
    /** By default each region by itself. */
    region: Name.exactOptional(),
    zone: Name.exactOptional(),
    /** By default every label that does not mean "nothing". */
    label: label.exactOptional(),
    /** How many there must be; 1 where neither is named. A label that holds counts as one. */
    atLeast: count.exactOptional(),
    atMost: count.exactOptional(),
    /** The least that the label must have. */
    probability: z.number().min(0).max(1).exactOptional(),
    forSeconds: seconds.default(0),
  }),
  z.strictObject({
    kind: z.literal('absence'),
    cameras,
    /** Not seen for so long, whether answers come or not; without it: no answer at all. */
    label: label.exactOptional(),
    forSeconds: seconds.min(10),
  }),
  z.strictObject({
    kind: z.literal('camera-state'),
    cameras,
    states: z.array(z.enum(WATCHED_CAMERA_STATES)).min(1),
    forSeconds: seconds.default(60),
  }),
  z.strictObject({
    kind: z.literal('gateway-state'),
    gateways,
    states: z.array(z.enum(WATCHED_GATEWAY_STATES)).min(1),
    forSeconds: seconds.default(60),
  }),
  /** Pictures that the network was not trained for. */
  z.strictObject({ kind: z.literal('unusual'), cameras, forSeconds: seconds.default(0) }),
  /** Answers that a gateway lost. */
  z.strictObject({
    kind: z.literal('drops'),
    gateways,
    atLeast: z.number().int().min(1).max(1_000_000).default(1),
    withinMinutes: z
      .number()
      .int()
      .min(1)
      .max(24 * 60)
      .default(60),
  }),
  /** Those of gateways, backend and broker. */
  z.strictObject({ kind: z.literal('certificate'), days: z.number().int().min(1).max(30) }),
]);
export type RuleCondition = z.infer<typeof RuleCondition>;

/** When somebody is told. It is raised once for each camera, region, gateway that it is about, and ends when its condition does. */
export const Rule = z.strictObject({
  name: Name,
  enabled: z.boolean().default(true),
  severity: z.enum(SEVERITIES).default('warning'),
  when: RuleCondition,
  schedule: Schedule.exactOptional(),
  /** Between two times that it is raised about the same. */
  coolDownSeconds: seconds.default(300),
  /** Names of channels that are told; the page and MQTT always are. */
  notify: z
    .array(Name)
    .max(16)
    .refine((names) => new Set(names).size === names.length, 'each name once')
    .default([]),
});
export type Rule = z.infer<typeof Rule>;

/** GET /api/rules, by name. */
export type RuleView = Rule & {
  /** When it was added or changed last, and by whom. */
  readonly changed: string;
  readonly author: string;
};

/** POST /api/rules/test with a {@link Rule}: what it would have done in the last day, by the answers that are stored. */
export type RuleTest = {
  readonly from: string;
  readonly until: string;
  /** How many answers were read; 0 for rules about states, whose past is not stored. */
  readonly answers: number;
  /** How often it would have been raised, and the most within an hour. */
  readonly count: number;
  readonly mostInAnHour: number;
  /** The first 100 of them; `end` null where it would still be open. */
  readonly raised: readonly { readonly subject: string; readonly at: string; readonly end: string | null }[];
  /** Where its condition holds at this moment, before `forSeconds`. */
  readonly holdsNow: readonly string[];
  /** Why it is perhaps not meant so; it is saved only when that is confirmed. */
  readonly doubts: readonly string[];
};
