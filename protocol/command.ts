import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { BlindsightError } from './errors.ts';
import { GatewayName, Name } from './names.ts';
import { decodeSigned, encodeSigned, type Signed, type SignedKind, verifySigned } from './signed.ts';

/** 128 random bits in hex: tells a command from every other. */
export const COMMAND_ID = /^[0-9a-f]{32}$/;

/** The longest that a command may be valid. */
export const COMMAND_MAX_LIFETIME_MS = 3_600_000;
/** Cap on the wire form. */
export const COMMAND_MAX_BYTES = 4096;

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/** Most lines that one answer brings. */
export const MAX_LOG_LINES = 5_000;

const seconds = z.number().int().positive();

/** What each command takes; both sides check it, so that a mistake is told before anything is sent. */
export const COMMAND_ARGUMENTS = {
  restart: z.strictObject({}),
  'log-level': z.strictObject({
    level: z.enum(LOG_LEVELS),
    /** How long until the configured level returns by itself. */
    forSeconds: seconds.max(7 * 24 * 3600).default(3600),
  }),
  logs: z.strictObject({
    /** The newest so many lines … */
    lines: z.number().int().min(1).max(MAX_LOG_LINES).default(200),
    /** … that are not older than this. */
    sinceSeconds: seconds.max(365 * 24 * 3600).exactOptional(),
  }),
  diagnostics: z.strictObject({}),
} as const;

export type CommandType = keyof typeof COMMAND_ARGUMENTS;
export type ArgumentsOf<T extends CommandType> = z.output<(typeof COMMAND_ARGUMENTS)[T]>;
export type CommandArguments = Readonly<Record<string, string | number | boolean>>;

/**
 * An order of the owner to one gateway, on `command/<type>/<id>`, not retained. On the wire like a manifest: deterministic CBOR of [payload bytes,
 * Ed25519 signature of the owner]; the signature covers "blindsight command 1", a zero byte and the payload.
 */
export type Command = {
  readonly schema: 1;
  readonly site: string;
  /** The only gateway that may carry it out. */
  readonly gateway: string;
  readonly id: string;
  /** One of {@link COMMAND_ARGUMENTS}, or one that only other versions know. */
  readonly type: string;
  readonly arguments: CommandArguments;
  readonly createdMs: number;
  /** From then on nobody carries it out. */
  readonly expiresMs: number;
};

/** A decoded command, with the bytes that its signature covers. */
export type DecodedCommand = Signed & { readonly command: Command };

const Argument = z.union([z.string().max(64), z.number().int(), z.boolean()]);
const time = z.number().int().nonnegative();

const KIND: SignedKind<Command> = {
  code: 'COMMAND_INVALID',
  noun: 'command',
  domain: 'blindsight command 1',
  schema: z
    .strictObject({
      schema: z.literal(1),
      site: Name,
      gateway: GatewayName,
      id: z.string().regex(COMMAND_ID),
      type: Name,
      arguments: z
        .record(z.string().max(32), Argument)
        .refine((all) => Object.keys(all).length <= 8, 'at most 8 arguments'),
      createdMs: time,
      expiresMs: time,
    })
    .refine(
      ({ createdMs, expiresMs }) => expiresMs > createdMs && expiresMs - createdMs <= COMMAND_MAX_LIFETIME_MS,
      `valid for at most ${COMMAND_MAX_LIFETIME_MS / 60_000} minutes`,
    ),
};

/**
 * Signs a command with the owner's Ed25519 private key and returns its wire form.
 * @throws BlindsightError COMMAND_INVALID if a field is out of its range.
 */
export function signCommand(command: Command, key: KeyObject): Uint8Array {
  return encodeSigned(KIND, command, key);
}

/**
 * Strict inverse of {@link signCommand}; the signature is *not* checked here.
 * @throws BlindsightError COMMAND_INVALID, and nothing else, for any other bytes.
 */
export function decodeCommand(bytes: Uint8Array): DecodedCommand {
  const { value, payload, signature } = decodeSigned(KIND, bytes, COMMAND_MAX_BYTES);
  return { command: value, payload, signature };
}

/** Whether the command was signed by the owner of this Ed25519 public key. */
export function verifyCommand(decoded: DecodedCommand, publicKey: KeyObject): boolean {
  return verifySigned(KIND, decoded, publicKey);
}

/** Every command that this version knows. */
export function commandTypes(): readonly CommandType[] {
  return Object.keys(COMMAND_ARGUMENTS) as CommandType[];
}

/** Whether this version knows a command of this name. */
export function isCommandType(type: string): type is CommandType {
  return Object.hasOwn(COMMAND_ARGUMENTS, type);
}

/**
 * The arguments of a command as it takes them, with its defaults.
 * @throws BlindsightError COMMAND_INVALID with the argument and what it must be.
 */
export function checkArguments<T extends CommandType>(type: T, given: CommandArguments): ArgumentsOf<T> {
  const result = COMMAND_ARGUMENTS[type].safeParse(given);
  if (result.success) return result.data as ArgumentsOf<T>;
  const issue = result.error.issues[0];
  const where = issue?.path.join('.') || 'arguments';
  throw new BlindsightError('COMMAND_INVALID', `${type}: ${where}: ${issue?.message ?? 'invalid'}`);
}
