import { isIP } from 'node:net';
import { z } from 'zod';
import { GatewayName, MAX_NETWORKS, MAX_REGIONS, Name } from '#protocol/names.ts';
import { ROLES } from '#protocol/roles.ts';
import { isTimeZone } from '#protocol/time-zone.ts';
import { filePath, secretPath } from './paths.ts';
import { Tracing } from './tracing.ts';

const fraction = z.number().min(0).max(1);

const megabytes = z.number().positive();

/** TLS to the broker. */
const Broker = z.strictObject({
  url: z.string().regex(/^mqtts:\/\/[^@\s]+$/, 'mqtts://host:port, without user or password'),
  ca: filePath(),
  certificate: filePath(),
  key: secretPath(),
});

/** The complete MQTT message, including header and topic. The same default in broker, backend and deploy/mosquitto. */
const maxMessageKilobytes = z.number().positive().max(16384).default(256);

const Log = z
  .strictObject({
    level: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('The least that is written'),
    format: z.enum(['json', 'pretty']).default('json'),
  })
  .prefault({});

/** A rectangle as fractions of the picture, origin top left. */
const rectangle = { x: fraction, y: fraction, width: fraction.gt(0), height: fraction.gt(0) };
type Rectangle = { x: number; y: number; width: number; height: number };

const isInside = ({ x, y, width, height }: Rectangle): boolean =>
  x + width <= 1.000001 && y + height <= 1.000001;

const Region = z.strictObject(rectangle).refine(isInside, 'a region within the picture');
const NamedRegion = z
  .strictObject({ name: Name, ...rectangle })
  .refine(isInside, 'a region within the picture');

const CameraFields = z.strictObject({
  name: Name,
  /** rtsp://user:password@host/path, or without credentials; see `credentials`. */
  url: z
    .string()
    .regex(/^rtsps?:\/\/\S+$/, 'rtsp://host[:port]/path')
    .meta({ title: 'Address', description: 'rtsp://host[:port]/path, without user and password' }),
  /** A 0600 file with the line user:password, so that the configuration itself holds no secret. */
  credentials: secretPath().optional(),
  enabled: z
    .boolean()
    .default(true)
    .meta({ title: 'In use', description: 'Pictures are taken and answered' }),
  /** Which network of the gateway answers about it: one that was deployed beside the default one. */
  network: Name.meta({
    title: 'Network',
    description: 'By name; where left out, the default network of the gateway answers',
  }).optional(),
  /** What the network looks at; by default, the entire picture. */
  region: Region.optional(),
  /**
   * Instead of `region`: several parts of the picture that are answered separately. A network that was protected for several
   * regions answers that many with one ciphertext; more regions take more ciphertexts.
   */
  regions: z
    .array(NamedRegion)
    .min(1)
    .max(MAX_REGIONS)
    .superRefine((regions, context) => distinctNames(regions, context, 'region'))
    .optional(),
  /** Where cameras share ciphertexts: not this one. For one that shows what its network was not trained for, which can spoil the answers about others. */
  alone: z
    .boolean()
    .meta({ title: 'By itself', description: 'Shares no ciphertext with other cameras' })
    .optional(),
  /** Polygons blackened before encryption, as fractions of the entire picture. */
  masks: z
    .array(
      z
        .array(z.tuple([fraction, fraction]))
        .min(3)
        .max(64),
    )
    .max(32)
    .default([]),
  /** Maximum pictures per second given to the network. */
  rate: z
    .number()
    .positive()
    .max(60)
    .default(10)
    .meta({ title: 'Rate', unit: 'pictures a second', description: 'At most; more are left out' }),
  stallSeconds: z.number().positive().default(10).meta({
    title: 'Stalled after',
    description: 'A stream that brings no picture for so long is started again',
  }),
});

const Camera = CameraFields.refine((camera) => camera.region === undefined || camera.regions === undefined, {
  path: ['regions'],
  message: 'either region or regions',
});

function distinctNames(
  named: readonly { name: string }[],
  context: z.RefinementCtx,
  what: 'camera' | 'region',
): void {
  named.forEach(({ name }, i) => {
    if (named.findIndex((other) => other.name === name) === i) return;
    context.addIssue({
      code: 'custom',
      path: [i, 'name'],
      message: `a name that no other ${what} has`,
      input: name,
    });
  });
}

function fewNetworks(cameras: readonly { network?: string | undefined }[], context: z.RefinementCtx): void {
  const names = [...new Set(cameras.map(({ network }) => network))].filter((name) => name !== undefined);
  if (names.length <= MAX_NETWORKS) return;
  const last = cameras.findIndex(({ network }) => network === names[MAX_NETWORKS]);
  context.addIssue({
    code: 'custom',
    path: [last, 'network'],
    message: `at most ${MAX_NETWORKS} networks that cameras name`,
    input: names[MAX_NETWORKS],
  });
}

export const AgentConfig = z.strictObject({
  site: Name,
  gateway: GatewayName,
  data: filePath(),
  broker: Broker.extend({
    /** Which TPM 2.0 holds the key, where `key` was made in one; by default, that of the machine. A TCTI of tpm2-tss. */
    tpm: z
      .string()
      .regex(/^[a-z]+(:[\w./=,:-]+)?$/, 'device:/dev/tpmrm0, or another TCTI of tpm2-tss')
      .optional(),
  }),
  identity: z.strictObject({
    /** Ed25519 private key (PEM, 0600) that signs envelopes. */
    signingKey: secretPath(),
    /** Ed25519 public key (PEM) of the owner, which signs manifests and configurations. */
    ownerKey: filePath(),
    /** Ed25519 public key (PEM) of the root, which signs which keys the owner signs with; without it the owner key above is all. */
    rootKey: filePath().optional(),
    /** X25519 private key (PEM, 0600) that opens the credentials of cameras in pushed configurations. */
    sealingKey: secretPath().optional(),
  }),
  cameras: z
    .array(Camera)
    .max(64)
    .superRefine((cameras, context) => distinctNames(cameras, context, 'camera'))
    .superRefine(fewNetworks)
    .default([]),
  inference: z
    .strictObject({
      interpreter: z
        .enum(['engine', 'reference'])
        .default('engine')
        .describe('The same answers; reference is some twenty times slower'),
      threads: z.number().int().positive().max(64).default(2).describe('That share one picture'),
      memoryMegabytes: megabytes
        .optional()
        .describe(
          'For the networks that are loaded; what of one does not fit is read from disk for every picture',
        ),
      shareCiphertexts: z
        .boolean()
        .default(false)
        .describe('Cameras share ciphertexts where their network was protected for several pictures'),
    })
    .prefault({}),
  answers: z
    .strictObject({
      togetherSeconds: z.number().min(0).max(60).default(0).meta({
        title: 'Together for',
        description:
          'Answers wait so long for others at most, to be sent and decrypted as one; 0: each is sent at once',
      }),
    })
    .prefault({}),
  outbox: z
    .strictObject({
      maxMegabytes: megabytes
        .default(256)
        .meta({ title: 'Space', description: 'Beyond it the oldest answers are dropped and counted' }),
      maxAgeHours: z.number().positive().default(72).meta({
        title: 'Age',
        description: 'Older answers are dropped and counted; the backend has a limit, too',
      }),
    })
    .prefault({}),
  preview: z
    .strictObject({
      port: z.number().int().min(0).max(65535).default(8090).describe('On the gateway itself; 0: a free one'),
      tokenFile: secretPath().optional().describe('On the gateway; without it there is no preview'),
    })
    .prefault({}),
  /** `/healthz` and `/metrics`, on loopback only. */
  metrics: z
    .strictObject({
      enabled: z.boolean().default(true).describe('Whether the gateway tells monitors on itself how it does'),
      port: z.number().int().min(0).max(65535).default(9470).describe('On the gateway itself; 0: a free one'),
    })
    .prefault({}),
  /** Not so often that reports fill the link. */
  healthSeconds: z
    .number()
    .min(1)
    .default(30)
    .meta({ title: 'Report every', description: 'Between two reports of load and health' }),
  log: Log,
  tracing: Tracing.optional(),
  /** What holds where this file was changed after a configuration was pushed: that one, or the file. */
  configuration: z.strictObject({ onEdit: z.enum(['pushed', 'file']).default('pushed') }).prefault({}),
});
export type AgentConfig = z.infer<typeof AgentConfig>;

/** The part of {@link AgentConfig} that can be pushed: everything except who the gateway is, whom it trusts, where its data is, and whom it tells of its work. */
export const PushedSettings = AgentConfig.omit({
  site: true,
  gateway: true,
  data: true,
  broker: true,
  identity: true,
  tracing: true,
  configuration: true,
});
export type PushedSettings = z.infer<typeof PushedSettings>;
export type CameraConfig = AgentConfig['cameras'][number];

/** Names of headers, in the form in which Node gives them. */
const headerName = z
  .string()
  .regex(/^[A-Za-z0-9-]{1,64}$/, 'the name of a header')
  .transform((name) => name.toLowerCase())
  .refine((name) => !['authorization', 'cookie', 'host', 'origin'].includes(name), 'a header of its own');

/** Address, or network as address/bits. */
const addressOrNetwork = z.string().refine((text) => {
  const [address = '', bits, ...more] = text.split('/');
  const family = isIP(address);
  const most = family === 4 ? 32 : 128;
  return (
    family !== 0 && more.length === 0 && (bits === undefined || (/^\d+$/.test(bits) && Number(bits) <= most))
  );
}, 'an address, or a network such as 192.0.2.0/24');

/** A proxy in front of the page. */
const ReverseProxy = z.strictObject({
  /** From these addresses, and no others, `x-forwarded-for`, `x-forwarded-proto` and the headers of `user` are believed. */
  addresses: z.array(addressOrNetwork).min(1).max(64),
  /** Where the proxy does the log-in. */
  user: z
    .strictObject({
      header: headerName,
      /** A header with the role; otherwise `roles` has it. */
      roleHeader: headerName.optional(),
      roles: z.record(z.string(), z.enum(ROLES)).default({}),
      /** Role of whoever is not in `roles`; without it they are refused. */
      otherwise: z.enum(ROLES).optional(),
    })
    .optional(),
});

export const BackendConfig = z.strictObject({
  site: Name,
  data: filePath(),
  /** Folder of what is written for the broker: its settings and certificate, and who was removed; by default `data`. */
  brokerFolder: filePath().optional(),
  /** Includes the largest message that the broker accepts: a network whose answers are larger is not released. */
  broker: Broker.extend({ maxMessageKilobytes }),
  store: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('sqlite'), file: filePath().default('blindsight.db') }),
      z.strictObject({ kind: z.literal('postgresql'), urlFile: secretPath() }),
    ])
    .prefault({ kind: 'sqlite' }),
  /** Where envelopes wait to be settled once they have a receipt: in the store, or in a stream of NATS JetStream. */
  queue: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('inbox') }),
      z.strictObject({
        kind: z.literal('jetstream'),
        /** Of the same certificates as the broker. */
        servers: z
          .array(z.string().regex(/^tls:\/\/[^@/\s]+:\d+$/, 'tls://host:port'))
          .min(1)
          .max(16),
        /** Servers that have an envelope before it gets its receipt: the majority of so many. */
        replicas: z.union([z.literal(1), z.literal(3), z.literal(5)]).default(1),
        /** Of all gateways; beyond that, and beyond the number of one gateway, there is no receipt. */
        maxMegabytes: megabytes.default(4096),
        maxPerGateway: z.number().int().min(64).default(20_000),
      }),
    ])
    .prefault({ kind: 'inbox' }),
  /** 32 random bytes, 0600; `$CREDENTIALS_DIRECTORY/installation-key` wins. */
  installationKey: secretPath().default('installation.key'),
  api: z
    .strictObject({
      host: z.string().default('127.0.0.1'),
      port: z.number().int().min(0).max(65535).default(8480),
      /** A token with which anybody is the owner. Unless host is loopback, this, an account or `proxy.user` is needed. */
      tokenFile: secretPath().optional(),
      proxy: ReverseProxy.optional(),
    })
    .prefault({}),
  /** Where gateways that make their keys themselves are enrolled; without it that is only possible with files that people carry. */
  enrolment: z
    .strictObject({
      /** By default loopback where the certificate of the broker covers nothing else, and every interface otherwise. */
      host: z.string().optional(),
      port: z.number().int().min(0).max(65535).default(8481),
    })
    .optional(),
  certificates: z
    .strictObject({
      /** How long that of a gateway is valid; the gateway renews it after two thirds. As each begins a day in the past, less than two days is for trials. */
      gatewayDays: z.number().min(0.1).max(825).default(365),
    })
    .prefault({}),
  homeAssistant: z
    .strictObject({
      /** Tells Home Assistant, on the broker of the site, of its cameras and gateways. */
      enabled: z.boolean().default(false),
    })
    .prefault({}),
  /** What a gateway may have decrypted of one camera; further answers are refused and counted. The rate of a camera in settings that were pushed counts first. */
  answers: z
    .strictObject({
      /** Encrypted answers a second where settings were not pushed; a picture with more regions than its network answers at once has several. */
      perCameraPerSecond: z.number().positive().default(20),
      /** Cameras with their own limit, whatever was pushed. A rate in a file on the gateway cannot be trusted here. */
      cameras: z
        .array(z.strictObject({ name: Name, perSecond: z.number().positive() }))
        .max(4096)
        .superRefine((cameras, context) => distinctNames(cameras, context, 'camera'))
        .default([]),
      /** Not less than `outbox.maxAgeHours` of the gateways. */
      maxAgeHours: z.number().positive().default(72),
      /** How long answers of an earlier release are taken after the gateway reported a later one as active; `maxAgeHours` where left out. */
      formerReleaseHours: z.number().positive().optional(),
    })
    .prefault({}),
  /** How the gateways are held to the truth: some answers are opened by an auditor who computes them again. */
  audit: z
    .strictObject({
      /** Of present answers that are challenged, more where a network's answers tell much; 0 turns audits off, and with them what they protect from. */
      share: fraction.default(0.02),
      /** The same for answers that come later than two minutes after their picture. */
      lateShare: fraction.default(0.2),
      /** A gateway that sends further answers so long after a challenge and has not answered it counts as unable to. */
      answerSeconds: z.number().min(1).max(3600).default(30),
      /** Challenges in a row without an opening that bring a gateway into quarantine, like one wrong opening. */
      missing: z.number().int().min(1).max(100).default(3),
      /** Answers of one gateway that are decrypted while a challenge waits; further ones wait with it. */
      aheadAnswers: z.number().int().min(1).default(200),
      /** A thread of the backend, or `blindsight auditor` on a machine of its own. */
      auditor: z.enum(['thread', 'process']).default('thread'),
      /** Answers of the reference interpreter cannot be opened: SEAL draws its own randomness. */
      acceptReference: z.boolean().default(false),
    })
    .prefault({}),
  /** What is kept of gateways in quarantine until their owner decides; beyond that, the oldest are dropped and counted. */
  quarantine: z
    .strictObject({
      /** Of one gateway. */
      keptAnswers: z.number().int().positive().default(50_000),
      /** Of one gateway. */
      keptMegabytes: megabytes.default(512),
      /** Of all gateways together; the one with the most gives way. */
      keptSiteMegabytes: megabytes.default(2048),
    })
    .prefault({}),
  /** How gateways are told what is newest, so that nobody can hold new things back from them for long. */
  freshness: z
    .strictObject({
      /** It is signed anew this often, and whenever something changes. */
      signHours: z.number().positive().max(24).default(1),
      /** How long a gateway goes by it; then it accepts nothing new until it hears again. */
      validDays: z.number().min(2).max(365).default(3),
    })
    .prefault({}),
  resultsDays: z.number().positive().default(30),
  /** The oldest results go beyond that, also before their days are over; by default half of the disk that SQLite's file is on, and no bound in PostgreSQL. */
  resultsMegabytes: megabytes.optional(),
  /** Of the IANA, such as Europe/Vienna: when a day begins, and what times in rules mean. By default that of the machine. */
  timeZone: z.string().max(64).refine(isTimeZone, 'a time zone such as Europe/Vienna').optional(),
  /** When something counts as there. */
  events: z
    .strictObject({
      /** How long it must be seen, or be gone, before it counts; an answer counts until the next. */
      beginSeconds: z.number().min(0).max(3600).default(1),
      endSeconds: z.number().min(0).max(3600).default(5),
      /** Without an answer for so long, it is not known what is there: more than the time between two answers of any camera. */
      silenceSeconds: z.number().min(1).max(86_400).default(60),
      days: z.number().positive().default(90),
    })
    .prefault({}),
  /** How long answers are kept that are added up by minute, hour and day. */
  history: z
    .strictObject({
      minuteDays: z.number().min(2).default(31),
      hourDays: z.number().min(31).default(400),
      dayDays: z.number().min(31).default(3660),
    })
    .prefault({}),
  log: Log,
  tracing: Tracing.optional(),
});
export type BackendConfig = z.infer<typeof BackendConfig>;

export const BrokerConfig = z.strictObject({
  site: Name,
  host: z.string().default('127.0.0.1'),
  port: z.number().int().min(0).max(65535).default(8883),
  /** Folder of the retained messages. */
  data: filePath().default('broker'),
  ca: filePath(),
  certificate: filePath(),
  key: secretPath(),
  /** Names of gateways that are refused, one per line, written by `blindsight gateway remove`. May be missing. */
  revoked: filePath().default('revoked-gateways'),
  maxMessageKilobytes,
  drainSeconds: z.number().positive().default(5),
  /** Where there are more, the oldest gives way to the newest: nobody who holds many open keeps a gateway out. */
  connections: z
    .strictObject({
      /** From one address (of IPv6: one network of 64 bits) that have shown no certificate yet. */
      perAddress: z.number().int().positive().default(64),
      /** The same from all addresses together. */
      strangers: z.number().int().positive().default(256),
      /** Of one gateway, backend or viewer, each under a client id of its own. */
      perIdentity: z.number().int().positive().default(32),
      /** How long TLS may take, and then MQTT's first message. */
      handshakeSeconds: z.number().min(1).max(60).default(10),
    })
    .prefault({}),
  log: Log,
});
export type BrokerConfig = z.infer<typeof BrokerConfig>;
