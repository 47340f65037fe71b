import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { estimateCost } from '../engine/costs/program-cost.ts';
import { FheError, type FheErrorCode } from '../errors.ts';
import { testParameters } from '../testing/parameters.ts';
import { testPicture, testPrograms } from '../testing/programs.ts';
import { rotateSlots, runClear } from './clear.ts';
import { decodeProgram, encodeProgram } from './codec.ts';
import { listProgram } from './listing.ts';
import { packInputs } from './pack-inputs.ts';
import type { Instruction, Program } from './program.ts';
import { checkKeys } from './requirements.ts';
import { verifyProgram } from './verifier.ts';

const parameters = testParameters(8192, 4);
const programs = testPrograms(parameters);
const named = (name: string): Program => programs.find(({ program }) => program.name === name)!.program;
const chain = named('chain');

/** The error that `action` throws: its code and message. */
function refusal(action: () => unknown): { code: FheErrorCode; message: string } {
  try {
    action();
  } catch (error) {
    if (error instanceof FheError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('codec', () => {
  it('reads what it wrote, in one form', () => {
    for (const { program } of programs) {
      const bytes = encodeProgram(program);
      expect(decodeProgram(bytes)).toEqual(program);
      expect(encodeProgram(decodeProgram(bytes))).toEqual(bytes);
    }
  });

  it('carries how the gateway prepares light, and nothing where that is byte / 255', () => {
    const program: Program = { ...chain, picture: { ...chain.picture, light: 'normalize' } };
    expect(decodeProgram(encodeProgram(program))).toEqual(program);
    expect('light' in decodeProgram(encodeProgram(chain)).picture).toBe(false);
  });

  it('carries the time constant of motion where there is such a channel, and only there', () => {
    const picture = { ...chain.picture, channels: 2, motion: { seconds: 7.5 } } as const;
    const program: Program = { ...chain, picture };
    expect(decodeProgram(encodeProgram(program))).toEqual(program);
    expect('motion' in decodeProgram(encodeProgram(chain)).picture).toBe(false);
  });

  it('refuses unknown fields, wrong types and excess', () => {
    const bad: [Partial<Record<keyof Program | 'extra', unknown>>, string][] = [
      [{ extra: 1 }, 'extra'],
      [{ version: 3 }, 'version'],
      [{ name: 'x'.repeat(129) }, 'name'],
      [{ picture: { channels: 5, height: 8, width: 8 } }, 'picture.channels'],
      [{ picture: { channels: 2, height: 8, width: 8 } }, 'picture.motion'],
      [{ picture: { ...chain.picture, motion: { seconds: 10 } } }, 'picture.motion'],
      [{ picture: { ...chain.picture, channels: 4, motion: { seconds: 0 } } }, 'picture.motion.seconds'],
      [{ picture: { ...chain.picture, light: 'dimmed' } }, 'picture.light'],
      [{ instructions: [{ op: 'decrypt', out: 0 }] }, 'instructions.0'],
      [{ instructions: [{ op: 'output', source: 0, out: 1 }] }, 'instructions.0'],
      [{ constants: [{ level: 0, scale: -1, modulus: 'Q' }] }, 'constants.0.scale'],
      [{ parameters: { ...chain.parameters, moduli: new Array(65).fill(1) } }, 'parameters.moduli'],
    ];
    for (const [change, where] of bad) {
      const { code, message } = refusal(() =>
        decodeProgram(encodeProgram({ ...chain, ...change } as Program)),
      );
      expect(code).toBe('FHE_FORMAT');
      expect(message).toContain(where);
    }
    expect(refusal(() => decodeProgram(new Uint8Array(33 * 2 ** 20))).code).toBe('FHE_TOO_LARGE');
  });

  it('throws nothing but FheError on damaged bytes, and never reads them as another form of a program', () => {
    const bytes = encodeProgram(named('rotate-inner'));
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(3), (at, value, kind) => {
        const damaged =
          kind === 0
            ? bytes.slice(0, at)
            : kind === 1
              ? Uint8Array.from([...bytes, value])
              : bytes.map((byte, i) => (i === at ? value : byte));
        try {
          expect(encodeProgram(decodeProgram(damaged))).toEqual(damaged);
        } catch (error) {
          expect(error).toBeInstanceOf(FheError);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('verifier', () => {
  it('derives levels, scales, sizes and keys', () => {
    const { registers, requirements, output, memoryBytes } = verifyProgram(chain);
    expect(output).toBe(9);
    expect(registers.get(3)).toMatchObject({ level: 2, scale: 2 ** 28, size: 2, ring: 'main' });
    expect(registers.get(6)).toMatchObject({
      level: 1,
      scale: 2 ** 56 / chain.parameters.moduli[2]!,
      size: 2,
    });
    expect(registers.get(7)).toMatchObject({ level: 1, size: 3 });
    expect(registers.get(9)?.level).toBe(0);
    expect(requirements).toEqual({ relinearizationLevel: 3, rotations: [{ step: 3, level: 1 }] });
    expect(memoryBytes).toBeGreaterThan(2 ** 20);
    expect(verifyProgram(named('rotate-fold')).requirements.rotations).toEqual(
      // 3: the engine folds by 1 and 2 in one round (fold-rounds.ts).
      [1, 2, 3, 5, 4092, 4087].map((step) => ({ step, level: 3 })).sort((a, b) => a.step - b.step),
    );
  });

  const input0: Instruction = { op: 'encrypt', out: 0, input: 0 };
  const out = (source: number): Instruction => ({ op: 'output', source });
  const run = (instructions: Instruction[], change: Partial<Program> = {}): string =>
    refusal(() => verifyProgram({ ...chain, ...change, instructions })).message;

  it.each<[string, Instruction[], Partial<Program>?]>([
    ['program: has no output', [input0]],
    ['instruction 0 (output): reads register 0 before', [out(0)]],
    ['instruction 2 (encrypt): follows the output', [input0, out(0), { op: 'encrypt', out: 1, input: 0 }]],
    [
      'instruction 1 (square): writes register 0 a second',
      [input0, { op: 'square', out: 0, source: 0 }, out(0)],
    ],
    ['instruction 0 (square): reads register 1 before', [{ op: 'square', out: 0, source: 1 }]],
    ['input 1 does not exist', [{ op: 'encrypt', out: 0, input: 1 }]],
    ['encrypts input 0 a second time', [input0, { op: 'encrypt', out: 1, input: 0 }]],
    ['constant 9 does not exist', [input0, { op: 'inner', out: 1, terms: [{ source: 0, constant: 9 }] }]],
    ['constant 1 is modulo QP', [input0, { op: 'inner', out: 1, terms: [{ source: 0, constant: 1 }] }]],
    [
      'constant 1 is at level 1: expected 3',
      [input0, { op: 'rotate-inner', out: 1, terms: [{ source: 0, step: 0, constant: 1 }] }],
    ],
    ['0 terms', [input0, { op: 'inner', out: 1, terms: [] }]],
    [
      'register 1 must be relinearized',
      [input0, { op: 'square', out: 1, source: 0 }, { op: 'rotate', out: 2, source: 1, step: 1 }],
    ],
    ['has size 2 already', [input0, { op: 'relinearize', out: 1, source: 0 }]],
    ['drops to level 3 from 3', [input0, { op: 'drop-level', out: 1, source: 0, level: 3 }]],
    [
      'adds scales',
      [
        input0,
        { op: 'rescale', out: 1, source: 0 },
        { op: 'drop-level', out: 2, source: 0, level: 2 },
        { op: 'add', out: 3, left: 1, right: 2 },
      ],
      { inputs: [{ ...chain.inputs[0]!, scale: 2 ** 40 }] },
    ],
    [
      'adds levels 3 and 2',
      [input0, { op: 'drop-level', out: 1, source: 0, level: 2 }, { op: 'add', out: 2, left: 0, right: 1 }],
    ],
    [
      'at level 0 already',
      [input0, { op: 'drop-level', out: 1, source: 0, level: 0 }, { op: 'rescale', out: 2, source: 1 }],
    ],
    [
      'does not fit level 0',
      [input0, { op: 'drop-level', out: 1, source: 0, level: 0 }, { op: 'square', out: 2, source: 1 }],
    ],
    ['step 4096', [input0, { op: 'rotate', out: 1, source: 0, step: 4096 }]],
    ['0 steps', [input0, { op: 'fold', out: 1, source: 0, steps: [] }]],
    ['names no result ring', [input0, { op: 'switch-ring', out: 1, source: 0 }]],
    ['1 regions: expected a whole number above 1', [], { regions: 1 }],
    ['65 regions: at most 64', [], { regions: 65 }],
    [
      'refers to value 128 of 128',
      [],
      { regions: 2, inputs: [{ ...chain.inputs[0]!, slots: new Int32Array(4096).fill(128) }] },
    ],
    ['level 4: expected 0 to 3', [], { inputs: [{ ...chain.inputs[0]!, level: 4 }] }],
    ['5 slots: expected 4096', [], { inputs: [{ ...chain.inputs[0]!, slots: new Int32Array(5) }] }],
    [
      'refers to value 64 of 64',
      [],
      { inputs: [{ ...chain.inputs[0]!, slots: new Int32Array(4096).fill(64) }] },
    ],
  ])('refuses: %s', (reason, instructions, change) => {
    expect(run(instructions, change)).toContain(reason);
  });

  it('refuses insecure parameters by their own code', () => {
    const moduli = testParameters(16384, 8).moduli.filter((q) => q % 16384 === 1);
    expect(
      refusal(() => verifyProgram({ ...chain, parameters: { ringDegree: 8192, moduli, specialModuli: [] } }))
        .code,
    ).toBe('FHE_PARAMETERS');
    expect(
      refusal(() =>
        verifyProgram({
          ...chain,
          parameters: { ringDegree: 8192, moduli, specialModuli: chain.parameters.moduli.slice(0, 1) },
        }),
      ).code,
    ).toBe('FHE_SECURITY');
  });

  it('says which key is missing', () => {
    const { requirements } = verifyProgram(chain);
    const none = { relinearization: null, rotations: new Map() };
    expect(refusal(() => checkKeys(requirements, none))).toEqual({
      code: 'FHE_KEY_MISSING',
      message: 'relinearization key: missing, needed at level 3',
    });
    const key = { level: 2, b: new Uint32Array(), seed: new Uint8Array() };
    expect(refusal(() => checkKeys(requirements, { ...none, relinearization: key })).message).toContain(
      'made for level 2, needed at level 3',
    );
    expect(
      refusal(() => checkKeys(requirements, { ...none, relinearization: { ...key, level: 3 } })).message,
    ).toContain('rotation key of step 3');
  });
});

describe('clear', () => {
  it('rotates to the left, cyclic', () => {
    expect([...rotateSlots(Float64Array.of(0, 1, 2, 3), 1)]).toEqual([1, 2, 3, 0]);
    expect([...rotateSlots(Float64Array.of(0, 1, 2, 3), -1)]).toEqual([3, 0, 1, 2]);
  });

  it('computes a rotate-inner and a fold as written', () => {
    const { program, constants } = programs.find(({ program: p }) => p.name === 'rotate-inner')!;
    const [x] = packInputs(program, testPicture) as [Float64Array];
    const [c0, c1, c2, c3] = constants as [Float64Array, Float64Array, Float64Array, Float64Array];
    const at = (i: number): number => x[(i + 4096) % 4096]!;
    runClear(verifyProgram(program), constants, testPicture).forEach((value, i) => {
      expect(value).toBeCloseTo(at(i) * c0[i]! + at(i + 1) * c1[i]! + at(i - 7) * c2[i]! + c3[i]!, 12);
    });
    const folded = runClear(verifyProgram(named('rotate-fold')), [], testPicture);
    const start = 5 - 9;
    for (const i of [0, 17, 4095]) {
      let sum = 0;
      for (const a of [0, 1])
        for (const b of [0, 2]) for (const c of [0, -4]) sum += at(i + start + a + b + c);
      expect(folded[i]).toBeCloseTo(sum, 12);
    }
  });

  it('refuses pictures that do not fit', () => {
    expect(refusal(() => packInputs(chain, new Float32Array(63))).message).toContain(
      '63 values: expected 1 × 8 × 8 = 64',
    );
    expect(refusal(() => packInputs(chain, new Float32Array(64).fill(1.5))).code).toBe('FHE_RANGE');
    expect(refusal(() => packInputs(chain, new Float32Array(64).fill(Number.NaN))).code).toBe('FHE_RANGE');
    expect(refusal(() => runClear(verifyProgram(chain), [], testPicture)).code).toBe('FHE_RANGE');
  });
});

describe('listing and cost', () => {
  it('lists a program', () => {
    expect(listProgram(verifyProgram(chain))).toMatchInlineSnapshot(`
      "program chain
      ring N = 8192, 4 primes + 1 special, log2(Q·P) = 150.0
      picture 1 × 8 × 8, 1 inputs, 3 constants
      keys: relinearization 3, rotations step@level: 3@1
      memory about 2.9 MB

       0  r0  encrypt input 0                             level 3  scale 2^28.00  size 2
       1  r1  inner r0·c0                                 level 3  scale 2^58.00  size 3
       2  r2  relinearize r1                              level 3  scale 2^58.00  size 2
       3  r3  rescale r2                                  level 2  scale 2^28.00  size 2
       4  r4  square r3                                   level 2  scale 2^56.00  size 3
       5  r5  relinearize r4                              level 2  scale 2^56.00  size 2
       6  r6  rescale r5                                  level 1  scale 2^26.00  size 2
       7  r7  rotate-inner rot(r6, 3)·c1 + rot(r6, 0)·c2  level 1  scale 2^56.00  size 3
       8  r8  relinearize r7                              level 1  scale 2^56.00  size 2
       9  r9  rescale r8                                  level 0  scale 2^26.00  size 2
      10      output r9
      "
    `);
  });

  it('counts what a program takes', () => {
    expect(estimateCost(verifyProgram(chain))).toMatchInlineSnapshot(`
      {
        "bytes": {
          "constants": 307376,
          "evaluationKeys": 798832,
          "memory": 3014656,
          "result": 61480,
        },
        "encryptions": 1,
        "products": 4,
        "relinearizations": 3,
        "rescales": 3,
        "rotations": 1,
      }
    `);
    expect(estimateCost(verifyProgram(named('rotate-fold')))).toMatchObject({
      rotations: 5,
      relinearizations: 0,
      products: 0,
    });
  });
});
