import type { OpenAlerts } from './alert.ts';
import type { CameraState, GatewayState, Health, Reported, Result } from './messages.ts';
import type { OutputPolicy } from './output-policy.ts';
import type { Role } from './roles.ts';
import type { Situation } from './situation.ts';
import type { Zone } from './zone.ts';

/** GET /api/state: everything the page needs; the same object arrives as the first event of /api/events. */
export type SiteState = {
  readonly site: string;
  readonly time: string;
  /** How a command for this site is typed on the backend's machine, with `…` for its words. */
  readonly commandLine: string;
  readonly broker: { readonly connected: boolean; readonly detail: string };
  readonly gateways: readonly GatewayView[];
  readonly cameras: readonly CameraView[];
  readonly models: readonly ModelView[];
  /** `last24h` is absent only where a backend of before answers. */
  readonly counters: Counters & { readonly last24h?: Counters };
  /** Certificates that expire within a month, or have expired. */
  readonly endingCertificates: readonly EndingCertificate[];
  /** Of the gateways' answers, the share that is audited; 0 where audits are turned off. */
  readonly auditShare: number;
  /** Rollouts that have not ended, the oldest first. */
  readonly rollouts: readonly RolloutSummary[];
  readonly alerts: OpenAlerts;
  /** Present while the store of the backend cannot be used: nothing new is accepted, and everything else is from before. */
  readonly trouble?: { readonly code: string; readonly message: string; readonly since: string };
};

/** `name` is that of a gateway, else as `owner`. */
export type EndingCertificate = {
  readonly owner: 'gateway' | 'backend' | 'broker';
  readonly name: string;
  readonly ends: string;
};

/** GET /api/certificates: every certificate that the site has issued. */
export type CertificateView = {
  /** Hex, upper case. */
  readonly serial: string;
  readonly kind: 'gateway' | 'backend' | 'broker' | 'cockpit' | 'viewer';
  /** For a gateway or a viewer its name; else as `kind`. */
  readonly name: string;
  readonly issued: string;
  readonly ends: string;
  /** Since when; null if it is not. */
  readonly revoked: string | null;
  readonly state: 'valid' | 'expired' | 'revoked';
  /** Whether it is the one that its owner shows now; null where that is not known. */
  readonly inUse: boolean | null;
};

export type GatewayView = {
  readonly name: string;
  /** Version of its software as it reports it; null before it did. */
  readonly version: string | null;
  readonly state: GatewayState['state'] | 'unknown';
  /** On the backend's clock, and never in the future; for a connection that was lost unnoticed, the last sign of life. */
  readonly since: string | null;
  /** How far the gateway's clock was last seen ahead of the backend's, negative if behind; null before it sent anything. */
  readonly clockOffsetMs: number | null;
  /** Since when two processes with its identity keep disconnecting each other; null if there is only one. */
  readonly runsTwiceSince: string | null;
  /** When the certificate that it shows ends. */
  readonly certificateEnds: string | null;
  /** Since when and why its answers are not decrypted; `reason` is a sentence for the operator. */
  readonly quarantine: { readonly since: string; readonly reason: string } | null;
  /** Answers kept while it is in quarantine, and how many of the oldest were dropped because there were too many. */
  readonly held: { readonly answers: number; readonly dropped: number };
  /** Of its answers, how many were computed again by the auditor, and what came of it. */
  readonly audit: GatewayAudit;
  /** Since when its answers have been kept because one of them still waits for its audit; null unless for long. */
  readonly awaitsAuditSince: string | null;
  /** What its answers may have told about the key that they are under; null before the first. */
  readonly leak: LeakView | null;
  readonly health: Health | null;
  readonly reported: Reported | null;
  /** The model and version that the backend wants it to run. */
  readonly model: WantedModel | null;
  /** The same beside that one, for the cameras that name it. */
  readonly beside: readonly WantedModel[];
  /** What became of the settings that were pushed to it; null where none were. */
  readonly configuration: ConfigurationView | null;
  /** Names that rollouts may call it by together with others, sorted. */
  readonly groups: readonly string[];
  /** Its own program; null where it has not said that it can be updated, and nothing was released to it. */
  readonly software: GatewaySoftware | null;
};

export type WantedModel = {
  readonly name: string;
  readonly version: number;
  /** Present if the model is retired: the gateway needs another one. */
  readonly retired?: true;
};

/** What came of the audits of a gateway since it was enrolled. */
export type GatewayAudit = {
  readonly equal: number;
  /** Proofs that it did not run its network. */
  readonly unequal: number;
  /** Answers that it did not open when it was asked to. */
  readonly missing: number;
  /** When the last equal one was found; null before there was one. */
  readonly lastEqual: string | null;
  /** Chosen, without a verdict yet. */
  readonly waiting: number;
  /** Of these, how many could not be judged for a reason of the site; it is tried again. */
  readonly undone: number;
};

/** The account of a key: what published answers may have told about it, if their gateway lies and somebody reads them. */
export type LeakView = {
  readonly state: 'safe' | 'warning' | 'spent';
  /** Bits that may be known, and those of the key; at half of them it is replaced. */
  readonly bits: number;
  readonly keyBits: number;
  /** Days until then at the pace of the last day; null where that takes more than ten years, or is not known yet. */
  readonly safeDays: number | null;
};

/** POST /api/gateways/{gateway}/rekey: the keys that the gateway gets, and the release that brings them. */
export type RekeyView = RekeyedNetwork & {
  readonly gateway: string;
  /** The same of its other networks, where it has several. */
  readonly others?: readonly RekeyedNetwork[];
};

export type RekeyedNetwork = {
  readonly model: string;
  readonly version: number;
  /** Their number among those of this version of the network. */
  readonly keySet: number;
  readonly release: number;
};

/** What a gateway runs, and what became of the newest release of software to it. */
export type GatewaySoftware = {
  /** What runs, and on what machine; null before it said so. */
  readonly version: string | null;
  readonly platform: string | null;
  /** What it is to run; null where nothing was released to it, as are `status` and `since`. */
  readonly wanted: string | null;
  readonly status:
    | 'waiting'
    | 'fetching'
    | 'testing'
    | 'active'
    | 'refused'
    | 'rolled-back'
    | 'superseded'
    | null;
  /** `CODE: sentence`, where it was refused or rolled back. */
  readonly detail: string | null;
  readonly since: string | null;
};

/** GET /api/software: archives of the gateways' software that can be released, the newest first. */
export type SoftwareView = {
  readonly version: string;
  readonly platform: string;
  /** SHA-256 of the archive, hex. */
  readonly sha256: string;
  readonly bytes: number;
  readonly added: string;
};

/** The newest settings that were pushed to a gateway, and which of them run. */
export type ConfigurationView = {
  readonly version: number;
  readonly author: string;
  /** `pending`: the gateway has not answered; `received`: it tries them. */
  readonly status: 'pending' | 'superseded' | 'received' | 'applied' | 'rejected' | 'reverted';
  readonly since: string;
  /** Why they were rejected or reverted. */
  readonly error: { readonly code: string; readonly message: string } | null;
  /** The version that runs; 0 where it is the file on the gateway, null before it said so. */
  readonly running: number | null;
  /** Somebody edited the file on the gateway after that version was applied. */
  readonly drift: boolean;
};

/** A version of a network, or of the gateways' own software (then the name is `software`). */
export type RolloutTarget = { readonly name: string; readonly version: string };

/** GET /api/rollouts, newest first: releases that reach many gateways in waves. Each ends in one of the last four states. */
export type RolloutSummary = {
  readonly id: number;
  readonly kind: 'model' | 'software';
  /** What it releases, for a person: "counter version 3". */
  readonly title: string;
  /** Null for one that takes gateways back, each to what it ran. */
  readonly target: RolloutTarget | null;
  readonly author: string;
  /** The rollout that this one takes back. */
  readonly undoes: number | null;
  readonly state: 'running' | 'paused' | 'done' | 'failed' | 'aborted' | 'timed-out';
  /** Why it ended, where it is not `done`. */
  readonly error: { readonly code: string; readonly message: string } | null;
  /** The wave under way, from 1, and how many there are. */
  readonly wave: number;
  readonly waves: number;
  /** How many gateways are in which state; see {@link RolloutGateway}. */
  readonly gateways: {
    readonly waiting: number;
    readonly released: number;
    readonly done: number;
    readonly failed: number;
    readonly timedOut: number;
    readonly skipped: number;
    readonly left: number;
  };
  readonly created: string;
  /** When it ends as `timed-out` at the latest. */
  readonly deadline: string;
  readonly pausedSince: string | null;
  readonly ended: string | null;
};

/** GET /api/rollouts/:id. */
export type RolloutView = RolloutSummary & {
  /** How long a gateway may take, from its release on. */
  readonly limitSeconds: number;
  /** Gateways that may fail or time out before no further wave begins. */
  readonly maxFailures: number;
  /** Its gateways, in the order in which they are released to. */
  readonly each: readonly RolloutGateway[];
};

/**
 * `waiting`: its wave has not come; `released`: it has the release and has not said what became of it; `skipped`: it was not released to, or something else
 * was; `left`: the rollout was aborted before it had answered, and it goes on by itself. `error` says why, where it is neither waiting nor done.
 */
export type RolloutGateway = {
  readonly gateway: string;
  readonly wave: number;
  readonly target: RolloutTarget;
  /** What it ran when the rollout started; null where it had not said. */
  readonly earlier: RolloutTarget | null;
  readonly state: 'waiting' | 'released' | 'done' | 'failed' | 'timed-out' | 'skipped' | 'left';
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly released: string | null;
  readonly deadline: string | null;
  readonly ended: string | null;
};

export type CameraView = {
  readonly camera: string;
  /** How people call it; absent where nobody has said. */
  readonly displayName?: string;
  /** The groups that people put it in, sorted; absent where there are none. */
  readonly groups?: readonly string[];
  readonly gateway: string;
  readonly state: CameraState | null;
  /** Newest answer; null if there is none, or if the camera answers about its regions separately. */
  readonly result: Result | null;
  /** Its named regions in order; empty if it answers about the entire picture. */
  readonly regions: readonly RegionView[];
  /** Drawn in its picture, by name; none where nobody drew any. */
  readonly zones: readonly Zone[];
  /** Answers that were withheld, usually because the picture was not what the network was trained for. */
  readonly withheld: number;
  /** Where that currently happens so often (eight of the last twenty answers) that somebody should look. */
  readonly unusual: readonly UnusualView[];
  /** What is there now, by region, zone and label; absent until the first answers were followed. */
  readonly situations?: readonly Situation[];
};

/** The entire picture, or one of its named regions, that shows something the network was not trained for. */
export type UnusualView = { readonly region?: string; readonly since: string };

export type RegionView = { readonly region: string; readonly result: Result | null };

export type ModelView = {
  readonly name: string;
  readonly version: number;
  readonly labels: readonly string[];
  /** What it answers; absent for a classification. */
  readonly task?: 'labels' | 'count' | 'map';
  /** Of a map: its cells, equal parts of the picture. */
  readonly map?: { readonly height: number; readonly width: number };
  readonly ringDegree: number;
  readonly logQP: number;
  readonly bundleBytes: number;
  readonly createdTime: string;
  /** How much of its answers the backend lets out. */
  readonly output: OutputPolicy;
  /** Since when nothing new is deployed of it, and from when its answers are refused; null while it is in service. */
  readonly retired: { readonly since: string; readonly refusedFrom: string } | null;
};

/** What was refused, withheld or missed since the store was created, or in the last 24 to 25 hours; each is a reason in docs/errors.md. */
export type Counters = {
  readonly accepted: number;
  readonly duplicates: number;
  readonly gaps: number;
  readonly refused: Readonly<Record<string, number>>;
  readonly withheld: number;
};

/**
 * GET /api/cameras/:camera/history?minutes=60, with &region=… for one named region. Bounded in size whatever the rate: see `boundHistory`. Of more than an hour it
 * is made of answers that were added up: each time is the beginning of a slot of `slotMs` (a minute for 24 hours, ten for 7 days, an hour for 30 days), and
 * each number the mean of its answers; slots without answers are not there, and an `event` is told as `label`.
 */
export type History = {
  readonly camera: string;
  readonly region?: string;
  readonly labels: readonly string[];
  /** Milliseconds since the epoch, ascending. */
  readonly times: readonly number[];
  /** What the newest answer tells, if not probabilities. Then 1 stands for the label that was told and 0 for the others; an `event` holds until the next. */
  readonly output?: 'label' | 'event';
  /** Of the network of the newest answer; absent for a classification. */
  readonly task?: 'labels' | 'count' | 'map';
  /** For each label the probability at each time; none where there are counts. */
  readonly probabilities: readonly (readonly number[])[];
  /** Of the tasks `count` and `map`: for each label how many there were at each time. */
  readonly counts?: readonly (readonly number[])[];
  /** How many answers, including itself, the one at each time represents. */
  readonly answers: readonly number[];
  /** Answers closer together than this, ms, may have been omitted; 0 if all are present. */
  readonly slotMs: number;
  /** When answers were withheld, milliseconds since the epoch, ascending; those close together are merged. */
  readonly withheld: readonly number[];
  /** Where answers were added up: more about each slot, by label as the numbers are. */
  readonly slots?: {
    /** The smallest and the largest probability or count. */
    readonly least: readonly (readonly number[])[];
    readonly most: readonly (readonly number[])[];
    /** In how many answers of the slot the label held, or was counted at least once. */
    readonly held: readonly (readonly number[])[];
  };
};

/** GET /api/lines?minutes=60&points=60: small time lines of all cameras, made of answers that were added up. */
export type SiteLines = {
  /** Beginning of the first slot, milliseconds since the epoch. All lines have the same slots, of which the last one is not over. */
  readonly sinceMs: number;
  readonly slotMs: number;
  readonly points: number;
  readonly lines: readonly SiteLine[];
};

/** Of a camera or one of its named regions, as far as it had answers. */
export type SiteLine = {
  readonly camera: string;
  readonly region?: string;
  /** Absent for a classification. */
  readonly task?: 'labels' | 'count' | 'map';
  /** Those that held in most answers come first; four at most. */
  readonly labels: readonly string[];
  /** Answers in each slot. */
  readonly answers: readonly number[];
  /** By label: mean and largest probability or count in each slot; null where there was no answer. */
  readonly mean: readonly (readonly (number | null)[])[];
  readonly most: readonly (readonly (number | null)[])[];
};

/** GET /api/session: who asks, and how one may log in. */
export type SessionView = {
  /** Null where nobody is logged in. `this machine`: nobody has to, because there are no accounts, and the request came from here. */
  readonly person: {
    readonly name: string;
    readonly role: Role;
    readonly way: 'this machine' | 'session' | 'site token' | 'token' | 'proxy' | 'command line';
  } | null;
  /** Whether the site has accounts with passwords, and a token for all. */
  readonly logIn: { readonly password: boolean; readonly token: boolean };
};

/** GET /api/audit?limit=100&before=…&since=…&actor=…, newest first: who did what. */
export type AuditActView = {
  readonly seq: number;
  readonly time: string;
  /** Null where it did not end, or ended where it began. */
  readonly ended: string | null;
  /** A person, `token:NAME`, the user of a command line, `local`, or `nobody`. */
  readonly actor: string;
  readonly role: Role | 'none';
  readonly door: 'page' | 'api' | 'cli';
  readonly act: string;
  readonly subject: string;
  /** `ok`, the code of an error, or `begun` where it is not known how it ended. */
  readonly outcome: string;
  readonly details: Readonly<Record<string, unknown>>;
};

/** Entries that are new or different, whole, and the keys of all in their order where that changed; see `applySiteChange`. */
export type ListChange<Entry> = { readonly changed: readonly Entry[]; readonly keys?: readonly string[] };

type SiteLists = Pick<SiteState, 'gateways' | 'cameras' | 'models'>;

/** What became different of a SiteState: other values whole, null where there is none any more. */
export type SiteChange = {
  readonly [Name in Exclude<keyof SiteState, keyof SiteLists>]?: SiteState[Name] | null;
} & { readonly [Name in keyof SiteLists]?: ListChange<SiteLists[Name][number]> };

/**
 * Server-sent events of GET /api/events: `event: state` with SiteState, `event: result` with Result. With `?changes=true` only the first of the former has all of it, and
 * `event: change` with SiteChange follows.
 */
export type SiteEvent =
  | { readonly type: 'state'; readonly data: SiteState }
  | { readonly type: 'change'; readonly data: SiteChange }
  | { readonly type: 'result'; readonly data: Result };

/** GET /api/journal?limit=100, newest first: what an operator should be able to look up; with &said=false without the words of gateways. */
export type JournalEntry = {
  readonly id: number;
  readonly time: string;
  readonly level: 'info' | 'warn' | 'error';
  /** Stable code, for example `GATEWAY_QUARANTINED`; `GATEWAY_SAYS` for the words of a gateway. */
  readonly code: string;
  /** Whose words the message is, where it is not the backend's, and the code that the gateway gives it. It may say anything. */
  readonly said?: { readonly gateway: string; readonly code: string };
  /** What it is about: the name of a gateway, camera or model. */
  readonly subject: string;
  readonly message: string;
};

/** A version of a gateway's settings, without them. GET /api/gateways/:gateway/configuration/history lists all, newest first. */
export type ConfigurationSummary = {
  readonly gateway: string;
  readonly version: number;
  readonly author: string;
  readonly pushed: string;
  readonly status: ConfigurationView['status'];
  /** When the status changed last. */
  readonly since: string;
  readonly error: ConfigurationView['error'];
};

/** GET /api/gateways/:gateway/configuration, of the newest version, or of `?version=…`. */
export type ShownConfiguration = ConfigurationSummary & {
  /** YAML. */
  readonly settings: string;
  /** Cameras whose credentials went along; nobody but the gateway can read these. */
  readonly credentials: readonly string[];
  /** The version that the gateway says that it runs; 0: the file on it; null: it did not say. */
  readonly running: number | null;
  /** Somebody edited the file on the gateway after that. */
  readonly drift: boolean;
};

/** POST /api/gateways/:gateway/configuration/preview: what a push of settings would do, without doing it. */
export type ConfigurationPreview = {
  /** Why they would not be taken; `message` has a line for each mistake: `settings:LINE:COLUMN: PATH: what is wrong`. */
  readonly error: { readonly code: string; readonly message: string } | null;
  /** What is allowed, and yet perhaps not meant. */
  readonly risks: readonly string[];
  /** The version that they are compared with; null where the site knows none. */
  readonly against: number | null;
  /** In the lines of `diff -u`; none where they are the same. */
  readonly lines: readonly string[];
};

/**
 * POST /api/gateways/:gateway/commands with {@link CommandRequest} answers 202 with this; GET …/commands lists them, newest first, and GET
 * …/commands/:id tells what became of one. What the answer brought (`content`) is at GET …/commands/:id/content.
 */
export type CommandView = {
  readonly id: string;
  readonly gateway: string;
  /** `restart`, `log-level`, `logs` or `diagnostics`. */
  readonly type: string;
  readonly arguments: Readonly<Record<string, string | number | boolean>>;
  readonly author: string;
  /** `pending`: not answered yet; `expired`: nobody answered, and nobody will carry it out; the rest is what the gateway answered. */
  readonly status: 'pending' | 'expired' | 'done' | 'failed';
  readonly given: string;
  readonly expires: string;
  /** When it was answered, or found expired. */
  readonly settled: string | null;
  /** Why it failed. */
  readonly code: string | null;
  /** A sentence of the gateway. */
  readonly message: string | null;
  readonly content: { readonly mediaType: string; readonly bytes: number } | null;
};

/** `arguments`: `log-level` takes `level` and `forSeconds`, `logs` takes `lines` and `sinceSeconds`; the other commands take none. */
export type CommandRequest = {
  readonly type: string;
  readonly arguments?: CommandView['arguments'];
  readonly author?: string;
};
