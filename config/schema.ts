import { z } from 'zod';
import { NAME_PATTERN, RESERVED_GATEWAY_NAMES } from '#protocol/topics.ts';

const name = z.string().regex(NAME_PATTERN, 'lower-case letters, digits and inner hyphens, at most 32');
const gatewayName = name.refine(
  (value) => !RESERVED_GATEWAY_NAMES.some((reserved) => reserved === value),
  'this name is reserved',
);
const path = z.string().min(1);
const fraction = z.number().min(0).max(1);

/** TLS to the broker; paths are relative to the configuration file. */
const Broker = z.strictObject({
  url: z.string().regex(/^mqtts:\/\/[^@\s]+$/, 'mqtts://host:port, without user or password'),
  ca: path,
  certificate: path,
  key: path,
});

const Log = z
  .strictObject({
    level: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
    format: z.enum(['json', 'pretty']).default('json'),
  })
  .prefault({});

/** A rectangle as fractions of the picture, origin top left. */
const Region = z
  .strictObject({ x: fraction, y: fraction, width: fraction.gt(0), height: fraction.gt(0) })
  .refine((r) => r.x + r.width <= 1.000001 && r.y + r.height <= 1.000001, 'the region leaves the picture');

const Camera = z.strictObject({
  name,
  /** rtsp://user:password@host/path, or without credentials; see `credentials`. */
  url: z.string().regex(/^rtsps?:\/\/\S+$/, 'rtsp://host[:port]/path'),
  /** A 0600 file with the line user:password, so that the configuration itself holds no secret. */
  credentials: path.optional(),
  enabled: z.boolean().default(true),
  /** What the network looks at; the whole picture by default. */
  region: Region.optional(),
  /** Polygons blackened before encryption, as fractions of the whole picture. */
  masks: z
    .array(
      z
        .array(z.tuple([fraction, fraction]))
        .min(3)
        .max(64),
    )
    .max(32)
    .default([]),
  /** Pictures a second given to the network at most. */
  rate: z.number().positive().max(60).default(10),
  stallSeconds: z.number().positive().default(10),
});

export const AgentConfig = z.strictObject({
  site: name,
  gateway: gatewayName,
  data: path,
  broker: Broker,
  identity: z.strictObject({
    /** Ed25519 private key (PEM, 0600) that signs envelopes. */
    signingKey: path,
    /** Ed25519 public key (PEM) of the owner, which signs manifests. */
    ownerKey: path,
  }),
  cameras: z.array(Camera).max(64).default([]),
  inference: z
    .strictObject({
      interpreter: z.enum(['engine', 'reference']).default('reference'),
      threads: z.number().int().positive().max(64).default(2),
    })
    .prefault({}),
  outbox: z
    .strictObject({
      maxMegabytes: z.number().positive().default(256),
      maxAgeHours: z.number().positive().default(72),
    })
    .prefault({}),
  preview: z
    .strictObject({ port: z.number().int().min(0).max(65535).default(0), tokenFile: path.optional() })
    .prefault({}),
  healthSeconds: z.number().positive().default(30),
  log: Log,
});
export type AgentConfig = z.infer<typeof AgentConfig>;
export type CameraConfig = AgentConfig['cameras'][number];

export const BackendConfig = z.strictObject({
  site: name,
  data: path,
  broker: Broker,
  store: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('sqlite'), file: path.default('blindsight.db') }),
      z.strictObject({ kind: z.literal('postgresql'), urlFile: path }),
    ])
    .prefault({ kind: 'sqlite' }),
  /** 32 random bytes, 0600; `$CREDENTIALS_DIRECTORY/installation-key` wins. */
  installationKey: path.default('installation.key'),
  api: z
    .strictObject({
      host: z.string().default('127.0.0.1'),
      port: z.number().int().min(0).max(65535).default(8480),
      /** Needed as soon as host is not loopback. */
      tokenFile: path.optional(),
    })
    .prefault({}),
  resultsDays: z.number().positive().default(30),
  log: Log,
});
export type BackendConfig = z.infer<typeof BackendConfig>;

export const BrokerConfig = z.strictObject({
  site: name,
  host: z.string().default('127.0.0.1'),
  port: z.number().int().min(0).max(65535).default(8883),
  ca: path,
  certificate: path,
  key: path,
  maxMessageKilobytes: z.number().positive().max(16384).default(256),
  drainSeconds: z.number().positive().default(5),
  log: Log,
});
export type BrokerConfig = z.infer<typeof BrokerConfig>;
