import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Gathering } from '../ckks/gathering.ts';
import { createEngineInterpreter } from '../engine/interpreter/engine.ts';
import { FheError } from '../errors.ts';
import { answerPlaces } from '../program/answer-places.ts';
import type { Interpreter } from '../program/interpreter.ts';
import { createReferenceInterpreter } from '../program/reference.ts';
import { verifyProgram } from '../program/verifier.ts';
import { randomSlots, testParameters, testRandom, worstError } from '../testing/parameters.ts';
import { makeMaterial, repeatingProgram, switchRingProgram } from '../testing/programs.ts';
import { createDecryptor, type Decryptor } from './decryptor.ts';

const parameters = testParameters(4096, 2, { bits: 30 });
const PERIOD = 64;
const PLACES = 1024 / PERIOD;
const program = verifyProgram(repeatingProgram(parameters, PERIOD).program);

const picture = (seed: number, bound = 1): Float32Array =>
  Float32Array.from(randomSlots(64, seed, bound), Math.abs);

describe('answers that are gathered in one ciphertext', () => {
  const interpreters: Interpreter[] = [];
  let decryptor: Decryptor;
  beforeAll(async () => {
    const { keys, material } = await makeMaterial(repeatingProgram(parameters, PERIOD));
    interpreters.push(
      await createEngineInterpreter(material, { threads: 1 }),
      await createReferenceInterpreter(material),
    );
    decryptor = await createDecryptor(program, keys);
  });
  afterAll(async () => {
    decryptor.close();
    for (const one of interpreters) await one.close();
  });

  const gather = (answers: readonly Uint8Array[]): Uint8Array => {
    const gathering = new Gathering(program.resultParameters, PLACES);
    for (const answer of answers) gathering.add(answer);
    return gathering.finish();
  };

  it('stand each at their own place, whichever interpreter made them, and are zero in the imaginary parts', () => {
    const answers = Array.from({ length: PLACES }, (_, i) => interpreters[i % 2]!.run(picture(i)).ciphertext);
    const gathered = gather(answers);
    expect(gathered.length).toBe(answers[0]!.length);
    const places = decryptor.decryptGathered(gathered);
    expect(places.length).toBe(PLACES);
    places.forEach((slots, i) => {
      expect(slots.length).toBe(2 * PERIOD);
      const clear = new Float64Array(2 * PERIOD);
      clear.set(picture(i).subarray(0, 8));
      // As precise as one answer by itself is; see the switch of rings.
      expect(worstError(slots, clear)).toBeLessThan(2 ** 16 / program.registers.get(program.output)!.scale);
    });
  });

  it('are as precise together as one of them is alone', () => {
    const answers = Array.from({ length: PLACES }, (_, i) => interpreters[0]!.run(picture(i)).ciphertext);
    const square = (values: ArrayLike<number>) => Array.from(values).reduce((sum, x) => sum + x * x, 0);
    let [alone, together] = [0, 0];
    const places = decryptor.decryptGathered(gather(answers));
    answers.forEach((answer, i) => {
      const clear = Float64Array.from(
        { length: 1024 },
        (_, slot) => picture(i)[slot % PERIOD]! * Number(slot % PERIOD < 8),
      );
      const own = decryptor.decrypt(answer);
      alone += square(own.map((value, slot) => value - clear[slot]!)) / own.length;
      const real = places[i]!.subarray(0, PERIOD);
      together += square(real.map((value, slot) => value - clear[slot]!)) / real.length;
    });
    // Equal but for chance: 16 · 64 numbers of one, half of them independent.
    expect(together / alone).toBeGreaterThan(0.7);
    expect(together / alone).toBeLessThan(1.4);
  });

  it('leave places that nobody took empty, and one by itself is the answer as it was', () => {
    const answer = interpreters[0]!.run(picture(3)).ciphertext;
    expect(gather([answer])).toEqual(answer);
    const places = decryptor.decryptGathered(gather([answer, answer]));
    for (const slots of places.slice(2)) expect(Math.max(...slots.map(Math.abs))).toBeLessThan(2 ** -11);
  });

  it('do not reach one another, even where one wraps around', () => {
    const honest = [0, 1, 2, 3].map((i) => interpreters[0]!.run(picture(i)).ciphertext);
    const random = testRandom(5);
    const huge = interpreters[0]!.run(picture(9, 1)).ciphertext.map((byte, i) =>
      // Of c₀ the coefficients 0, 16, 32, … of 21 bits each, which are all that an answer fills.
      i >= 32 && i < 32 + 5376 && (i - 32) % 42 < 2 ? Math.floor(random() * 256) : byte,
    );
    const places = decryptor.decryptGathered(gather([honest[0]!, huge, honest[2]!, honest[3]!]));
    for (const i of [0, 2, 3]) {
      const clear = new Float64Array(2 * PERIOD);
      clear.set(picture(i).subarray(0, 8));
      expect(worstError(places[i]!, clear)).toBeLessThan(2 ** -11);
    }
    expect(Math.max(...places[1]!.map(Math.abs))).toBeGreaterThan(1);
  });

  it('are refused beyond the places that there are, and where they are not of one program', () => {
    const answer = interpreters[0]!.run(picture(1)).ciphertext;
    const full = new Gathering(program.resultParameters, PLACES);
    for (let i = 0; i < PLACES; i++) full.add(answer);
    expect(() => full.add(answer)).toThrow('places are taken');
    const other = new Gathering(program.resultParameters, PLACES);
    expect(() => other.finish()).toThrow(FheError);
    other.add(answer);
    for (const changed of [answer.slice(0, -1), answer.map((byte, i) => (i === 27 ? byte ^ 1 : byte))])
      expect(() => other.add(changed)).toThrow(FheError);
    expect(other.count).toBe(1);
  });
});

describe('the places of a program', () => {
  it('are as many as its answer repeats itself, and one where the last sum is not known to', () => {
    for (const [period, places] of [
      [64, 16],
      [256, 4],
      [1024, 1],
    ] as const)
      expect(answerPlaces(verifyProgram(repeatingProgram(parameters, period).program))).toBe(places);
    expect(answerPlaces(verifyProgram(switchRingProgram(parameters, parameters.moduli[0]!).program))).toBe(1);
    const { program: whole } = repeatingProgram(parameters, PERIOD);
    const gap = whole.instructions.map((one) =>
      one.op === 'fold' ? { ...one, steps: one.steps.filter((step) => step !== 512) } : one,
    );
    expect(answerPlaces(verifyProgram({ ...whole, instructions: gap }))).toBe(1);
  });
});
