import { decode, encode, rfc8949EncodeOptions } from 'cborg';
import { z } from 'zod';
import { FheError } from '../errors.ts';
import type { Program } from './program.ts';
import { ProgramLimits } from './verifier.ts';

/** Largest serialized program in bytes. */
export const MAX_PROGRAM_BYTES = 32 * 2 ** 20;

const MAX_SLOTS = 32_768;

const count = (most: number) => z.number().int().min(0).max(most);
const register = count(2 ** 31 - 1);
const constant = count(ProgramLimits.constants - 1);
const step = z.number().int().min(-MAX_SLOTS).max(MAX_SLOTS);
const level = count(255);
const scale = z.number().positive().finite();
const prime = count(2 ** 30);

const instruction = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('encrypt'), out: register, input: count(ProgramLimits.inputs - 1) }),
  z.strictObject({
    op: z.literal('inner'),
    out: register,
    terms: z.array(z.strictObject({ source: register, constant })).max(ProgramLimits.terms),
  }),
  z.strictObject({
    op: z.literal('rotate-inner'),
    out: register,
    terms: z.array(z.strictObject({ source: register, step, constant })).max(ProgramLimits.terms),
  }),
  z.strictObject({ op: z.literal('rotate'), out: register, source: register, step }),
  z.strictObject({
    op: z.literal('fold'),
    out: register,
    source: register,
    steps: z.array(step).max(ProgramLimits.foldSteps),
  }),
  z.strictObject({ op: z.literal('square'), out: register, source: register }),
  z.strictObject({ op: z.literal('multiply'), out: register, left: register, right: register }),
  z.strictObject({ op: z.literal('add'), out: register, left: register, right: register }),
  z.strictObject({ op: z.literal('add-constant'), out: register, source: register, constant }),
  z.strictObject({ op: z.literal('relinearize'), out: register, source: register }),
  z.strictObject({ op: z.literal('rescale'), out: register, source: register }),
  z.strictObject({ op: z.literal('drop-level'), out: register, source: register, level }),
  z.strictObject({ op: z.literal('switch-ring'), out: register, source: register }),
  z.strictObject({ op: z.literal('output'), source: register }),
]);

/** The wire form: as {@link Program}, with the slots of an input as 32-bit little-endian words. */
const wire = z.strictObject({
  version: z.literal([1, 2]),
  name: z.string().max(ProgramLimits.nameCharacters),
  parameters: z.strictObject({
    ringDegree: count(65_536),
    moduli: z.array(prime).max(64),
    specialModuli: z.array(prime).max(16),
  }),
  resultRing: z.strictObject({ ringDegree: count(65_536), modulus: prime }).optional(),
  picture: z
    .strictObject({
      channels: z.literal([1, 2, 3, 4]),
      height: count(ProgramLimits.pictureSide),
      width: count(ProgramLimits.pictureSide),
      light: z.literal('normalize').exactOptional(),
      motion: z
        .strictObject({ seconds: z.number().positive().max(ProgramLimits.motionSeconds) })
        .exactOptional(),
    })
    .refine(({ channels, motion }) => (channels % 2 === 0) === (motion !== undefined), {
      path: ['motion'],
      message: 'expected with 2 or 4 channels, and only there',
    }),
  regions: count(ProgramLimits.regions).optional(),
  inputs: z
    .array(z.strictObject({ level, scale, slots: z.instanceof(Uint8Array) }))
    .max(ProgramLimits.inputs),
  constants: z
    .array(z.strictObject({ level, scale, modulus: z.enum(['Q', 'QP']) }))
    .max(ProgramLimits.constants),
  instructions: z.array(instruction).max(ProgramLimits.instructions),
});

/** Serializes a program as deterministic CBOR (RFC 8949, section 4.2). Does not verify it. */
export function encodeProgram(program: Program): Uint8Array {
  const inputs = program.inputs.map(({ level, scale, slots }) => ({
    level,
    scale,
    slots: new Uint8Array(slots.buffer, slots.byteOffset, slots.byteLength),
  }));
  return encode({ ...program, inputs }, { ...rfc8949EncodeOptions, ignoreUndefinedProperties: true });
}

/**
 * Reads a program strictly: known fields only, counts and bytes capped, and the bytes must be the one deterministic encoding of their content.
 * Run `verifyProgram` on the result before anything else.
 *
 * @throws FheError FHE_TOO_LARGE above {@link MAX_PROGRAM_BYTES}; FHE_FORMAT otherwise, naming the field.
 */
export function decodeProgram(bytes: Uint8Array): Program {
  if (bytes.length > MAX_PROGRAM_BYTES) {
    throw new FheError('FHE_TOO_LARGE', `program of ${bytes.length} bytes: at most ${MAX_PROGRAM_BYTES}`);
  }
  const parsed = wire.safeParse(decodeCbor(bytes));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new FheError('FHE_FORMAT', `program: ${issue?.path.join('.')}: ${issue?.message}`);
  }
  const { resultRing, regions, inputs, ...rest } = parsed.data;
  const program: Program = {
    ...rest,
    ...(resultRing === undefined ? {} : { resultRing }),
    ...(regions === undefined ? {} : { regions }),
    inputs: inputs.map(({ level, scale, slots }, index) => ({
      level,
      scale,
      slots: readSlots(slots, index),
    })),
  };
  if (Buffer.compare(encodeProgram(program), bytes) !== 0) {
    throw new FheError('FHE_FORMAT', 'program: the bytes are not in deterministic form');
  }
  return program;
}

function decodeCbor(bytes: Uint8Array): unknown {
  try {
    return decode(bytes, {
      strict: true,
      allowIndefinite: false,
      allowBigInt: false,
      allowUndefined: false,
      allowNaN: false,
      allowInfinity: false,
      rejectDuplicateMapKeys: true,
    });
  } catch (cause) {
    throw new FheError('FHE_FORMAT', `program: not CBOR: ${(cause as Error).message}`, { cause });
  }
}

function readSlots(bytes: Uint8Array, index: number): Int32Array {
  if (bytes.length % 4 !== 0 || bytes.length > MAX_SLOTS * 4) {
    throw new FheError('FHE_FORMAT', `program: inputs.${index}.slots: ${bytes.length} bytes`);
  }
  const copy = bytes.slice();
  return new Int32Array(copy.buffer, copy.byteOffset, copy.length / 4);
}
