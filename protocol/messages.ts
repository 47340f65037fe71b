import { z } from 'zod';
import { Digest, MAX_NETWORKS, Name, RegionNames } from './names.ts';
import { MAX_ZONES } from './zone.ts';

const milliseconds = z.number().finite().nonnegative();
const time = z.iso.datetime();

/*
 * Gateways and backend are updated at different times. So a receiver ignores unknown fields, truncates texts that are longer than it
 * keeps, shows an unknown code unchanged, and treats an unknown camera state as `failed`, with the state in its detail. Everything known
 * is still checked; signed messages (envelopes, manifests) are strict.
 */
const text = (characters: number) => z.string().transform((whole) => whole.slice(0, characters));
const code = text(64);

/** Sent on every connect: who I am, what I run. */
export const Birth = z.object({
  gateway: Name,
  /** Strictly increasing over restarts and reconnects of the daemon; ties a last will to its session. */
  session: z.number().int().positive(),
  version: text(64),
  time,
  platform: text(128),
  cameras: z.array(Name).max(64),
  bundle: Digest.nullable(),
  /** Serial number of the certificate that it shows, hex; absent if the gateway is older. */
  certificate: text(64).exactOptional(),
});
export type Birth = z.infer<typeof Birth>;

/**
 * The highest session that a backend takes into account; seconds since the epoch reach it in 2106. An absurd session under a gateway's name must not
 * make the gateway run out of numbers, so higher ones are ignored.
 */
export const MAX_NOTED_SESSION = 2 ** 32;

/**
 * Answer of the backend to each birth, on `command/session/<session of the birth>`: that session if the gateway is the only one that has started it, or
 * one above all that were ever started under its name. Depends only on births, not on anything decrypted.
 */
export const SessionCommand = z.object({ atLeast: z.number().int().positive() });
export type SessionCommand = z.infer<typeof SessionCommand>;

/** Retained; `offline` with `reason: "lost"` is the last will. */
export const GatewayState = z.object({
  state: z.enum(['online', 'offline']),
  session: z.number().int().positive(),
  time,
  reason: z.enum(['started', 'stopped', 'lost']),
});
export type GatewayState = z.infer<typeof GatewayState>;

/** What a camera is doing, and why if it sends no pictures. */
export const CAMERA_STATES = [
  'starting',
  'streaming',
  'unauthorized',
  'not-found',
  'unreachable',
  'refused',
  'stalled',
  'no-video',
  'bad-stream',
  'failed',
  'disabled',
  'no-network',
] as const;

export const CameraState = z.object({
  camera: Name,
  /** Named regions that it answers about separately; absent if it answers about the entire picture. */
  regions: RegionNames.exactOptional(),
  /** The network that its settings name; absent if the default one of its gateway answers about it. */
  network: Name.exactOptional(),
  state: z.enum(CAMERA_STATES).or(z.string().transform(() => 'failed' as const)),
  /** A sentence for the operator, without passwords. */
  detail: text(500),
  /** Of its pictures in pixels, as last seen; absent before the first, and from gateways that do not tell. */
  size: z.object({ width: z.number().int().positive(), height: z.number().int().positive() }).exactOptional(),
  since: time,
  /** Pictures per second from capture, and into inference. */
  captureRate: z.number().nonnegative(),
  inferenceRate: z.number().nonnegative(),
  nextRetry: time.nullable(),
});
export type CameraState = z.infer<typeof CameraState>;

export const Health = z.object({
  session: z.number().int().positive(),
  time,
  uptimeSeconds: z.number().nonnegative(),
  cpuPercent: z.number().min(0).max(100),
  memoryPercent: z.number().min(0).max(100),
  processMegabytes: z.number().nonnegative(),
  temperatureCelsius: z.number().nullable(),
  diskFreePercent: z.number().min(0).max(100).nullable(),
  outbox: z.object({
    waiting: z.number().int().nonnegative(),
    bytes: z.number().int().nonnegative(),
    dropped: z.number().int().nonnegative(),
    oldestSeconds: z.number().nonnegative(),
    /** Present while the disk refuses answers, which are then lost. */
    trouble: z.object({ code, message: text(500) }).exactOptional(),
  }),
  /** Since the daemon started; pictures neither superseded, answered nor failed are waiting or were captured without a bundle. */
  pictures: z
    .object({
      captured: z.number().int().nonnegative(),
      /** A newer picture arrived before the network could take this one. */
      superseded: z.number().int().nonnegative(),
      answered: z.number().int().nonnegative(),
      /** Lost because the interpreter or the disk failed. */
      failed: z.number().int().nonnegative(),
    })
    .optional(),
});
export type Health = z.infer<typeof Health>;

export const LogEvent = z.object({
  time,
  level: z.enum(['info', 'warn', 'error']),
  code,
  message: text(1000),
});
export type LogEvent = z.infer<typeof LogEvent>;

/**
 * What became of the newest pushed configuration, and which one is running. `received`: it is being applied or on trial. `applied`: it is running, and the
 * link came back. `rejected`: it changed nothing. `reverted`: it ran, and the previous one is running again. `error` says why, for the last two.
 */
export const ReportedConfiguration = z.object({
  status: z.enum(['none', 'received', 'applied', 'rejected', 'reverted']),
  /** The version that the status is about; 0 for `none`. */
  version: z.number().int().nonnegative(),
  /** The version that is running; 0 if it is the file on the gateway. */
  running: z.number().int().nonnegative(),
  since: time,
  /** Somebody changed the file on the gateway after `running` was applied. */
  drift: z.boolean(),
  error: z.object({ code, message: text(4000) }).nullable(),
  /** Earlier versions that ran in its place and were given up after it, in this order: each was all there was to go back to from the one before. */
  revertedSince: z
    .array(
      z.object({ version: z.number().int().nonnegative(), error: z.object({ code, message: text(500) }) }),
    )
    .max(10)
    .exactOptional(),
});
export type ReportedConfiguration = z.infer<typeof ReportedConfiguration>;

/**
 * How fresh what the gateway was told about keys and counters is. `none`: its site never told it anything, and it accepts what is signed.
 * `stale`: it accepts nothing new until it is told again; `error` says why.
 */
export const ReportedTrust = z.object({
  status: z.enum(['none', 'fresh', 'stale']),
  /** Number of the newest timestamp; 0 for none. */
  number: z.number().int().nonnegative(),
  /** Until when it counts; null without one. */
  expires: time.nullable(),
  /** Version of the list of owner keys; 0 if it goes by the key that it was enrolled with. */
  ownerKeys: z.number().int().nonnegative(),
  /** Whether owner keys can be replaced from afar. */
  knowsRoot: z.boolean(),
  error: z.object({ code, message: text(500) }).nullable(),
});
export type ReportedTrust = z.infer<typeof ReportedTrust>;

/** What became of the manifest of one network. */
export const ReportedBundle = z.object({
  status: z.enum(['none', 'fetching', 'testing', 'active', 'refused', 'rolled-back']),
  active: Digest.nullable(),
  previous: Digest.nullable(),
  /** Highest release counter ever accepted. */
  counter: z.number().int().nonnegative(),
  progress: z.number().min(0).max(1),
  /** The manifest that the status is about. */
  subject: Digest.nullable(),
  error: z.object({ code, message: text(500) }).nullable(),
});
export type ReportedBundle = z.infer<typeof ReportedBundle>;

/** What became of the manifests and the configuration that the gateway was sent. Retained. */
export const Reported = z.object({
  time,
  session: z.number().int().positive(),
  /** Of the default network. */
  bundle: ReportedBundle,
  /** Of the networks that its cameras name beside that one; absent if the gateway is too old for several. */
  networks: z
    .array(ReportedBundle.extend({ network: Name }))
    .max(MAX_NETWORKS)
    .exactOptional(),
  /** Absent if the gateway is too old for updates of its software. */
  software: z
    .object({
      status: z.enum(['none', 'fetching', 'testing', 'active', 'refused', 'rolled-back']),
      /** What runs. */
      version: text(64),
      platform: text(64),
      /** Highest release counter ever accepted. */
      counter: z.number().int().nonnegative(),
      progress: z.number().min(0).max(1),
      /** The release that the status is about. */
      subject: Digest.nullable(),
      error: z.object({ code, message: text(500) }).nullable(),
    })
    .exactOptional(),
  /** Absent if the gateway is too old for remote configuration. */
  configuration: ReportedConfiguration.exactOptional(),
  /** Absent if the gateway is too old to be told what is newest. */
  trust: ReportedTrust.exactOptional(),
});
export type Reported = z.infer<typeof Reported>;

export const BackendState = z.object({
  state: z.enum(['online', 'offline']),
  session: z.number().int().positive(),
  time,
  /** The newest version of envelopes that it takes; 1 where left out, by a backend that does not know of others. */
  envelope: z.number().int().positive().exactOptional(),
});
export type BackendState = z.infer<typeof BackendState>;

/**
 * SHA-256 (hex) of the exact payload bytes of inference messages that the backend has stored durably, sent at times that say nothing
 * about what was found in them: it tells the gateway what it may delete, and nothing else. See protocol/README.md, "Receipts".
 */
export const Receipt = z.object({ received: z.array(Digest).min(1).max(256) });
export type Receipt = z.infer<typeof Receipt>;

/** `count` chunks of a bundle part from chunk number `from` on; pulling makes delivery resumable, at the gateway's pace. */
export const ChunkRequest = z.object({
  bundle: Digest,
  part: z.string().max(32),
  from: z.number().int().nonnegative(),
  count: z.number().int().positive().max(64),
});
export type ChunkRequest = z.infer<typeof ChunkRequest>;

const label = z.string().max(64);
const probability = z.number().min(0).max(1);

/** What answers of other tasks say. It is absent; named here, so that whoever reads an answer of any task may ask for it. */
const none = z.undefined().exactOptional();

/** Most points of one answer about a map. */
export const MAX_POINTS = 64;

/** How many there are, by label. */
export const Counts = z.record(z.string(), z.number().int().nonnegative());
export type Counts = z.infer<typeof Counts>;

/** Which labels hold, each by itself. */
export const LabelsAnswer = z.strictObject({
  task: z.literal('labels'),
  labels: z.array(label),
  /** Of each label, in steps; absent where the owner lets labels out only. */
  probabilities: z.record(z.string(), probability).exactOptional(),
  ...{ label: none, probability: none, counts: none, points: none, zones: none },
});
export type LabelsAnswer = z.infer<typeof LabelsAnswer>;

export const CountAnswer = z.strictObject({
  task: z.literal('count'),
  counts: Counts,
  ...{ label: none, labels: none, probability: none, probabilities: none, points: none, zones: none },
});
export type CountAnswer = z.infer<typeof CountAnswer>;

/** How many there are and where. Places are middles of the cells of the map, in fractions of the picture from the upper left corner. */
export const MapAnswer = z.strictObject({
  task: z.literal('map'),
  counts: Counts,
  /** In the order of labels and cells; absent where the owner lets counts out only. */
  points: z
    .array(z.strictObject({ label, x: probability, y: probability }))
    .max(MAX_POINTS)
    .exactOptional(),
  /** How many of the points are in each zone that the site has drawn for the camera; absent where it has none. */
  zones: z
    .array(z.strictObject({ name: Name, counts: Counts }))
    .max(MAX_ZONES)
    .exactOptional(),
  ...{ label: none, labels: none, probability: none, probabilities: none },
});
export type MapAnswer = z.infer<typeof MapAnswer>;

const ClassificationAnswer = z.strictObject({
  /** A classification says nothing here, as it always has. */
  task: none,
  label,
  /** Of `label`, in steps; absent, like the others, where the owner lets labels out only. */
  probability: probability.exactOptional(),
  /** In steps, so they need not sum to 1. */
  probabilities: z.record(z.string(), probability).exactOptional(),
  ...{ labels: none, counts: none, points: none, zones: none },
});

/** What every answer says, whatever the task of its network. */
const Answered = z.strictObject({
  camera: Name,
  /** The region of the picture that the answer is about; absent if the camera has no named regions. */
  region: Name.exactOptional(),
  model: z.string().max(64),
  /** Of the network that answered. */
  modelVersion: z.number().int().positive(),
  /** What the owner lets out, if not probabilities or points: every label or count, or `event`: this has held since `frameTime`, until the next such answer. */
  output: z.enum(['label', 'event']).exactOptional(),
  frameTime: time,
  sequence: z.number().int().nonnegative(),
  /** True if the answer waited in the outbox and is not current. */
  historical: z.boolean(),
  latencyMs: z.strictObject({
    prepare: milliseconds,
    encrypt: milliseconds,
    evaluate: milliseconds,
    transport: milliseconds,
    decrypt: milliseconds,
    total: milliseconds,
  }),
});

/** A decrypted answer: as coarse as the owner wants it, the only thing that leaves the decryptor. JSON, also the line of `--json`. */
export const Result = z.union([
  Answered.extend(ClassificationAnswer.shape),
  Answered.extend(LabelsAnswer.shape),
  Answered.extend(CountAnswer.shape),
  Answered.extend(MapAnswer.shape),
]);
export type Result = z.infer<typeof Result>;
export type ClassificationResult = Extract<Result, { readonly label: string }>;
export type MapResult = Extract<Result, { readonly task: 'map' }>;
