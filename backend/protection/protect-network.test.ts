import { beforeAll, describe, expect, it } from 'vitest';
import { createReferenceInterpreter, decodeProgram, verifyProgram } from '#fhe';
import { createDecryptor, interpretSlots, roundLabel } from '#fhe/secret';
import { createEncoder, decodeConstants } from '#fhe/testing';
import { compileNetwork } from '#network/compiler/compile.ts';
import type { Graph } from '#network/model/graph.ts';
import { writeOnnx } from '#network/model/onnx/onnx.ts';
import { runGraph } from '#network/model/run/run.ts';
import { BUNDLE_PARTS } from '#protocol/manifest.ts';
import { decodeSelfTest } from '#protocol/self-test.ts';
import { makeSmallGraph } from '../testing/small-network.ts';
import { createProtector } from './protect-network.ts';
import type { ProtectedNetwork } from './protect-task.ts';

const METADATA = { labels: ['empty', 'occupied'], activationRanges: [3, 6], logitRange: 8 };
const graph = makeSmallGraph(1);

/** Every parameter of the network, by tensor. */
function parametersOf(source: Graph): Map<string, Float32Array> {
  return new Map([...source.initializers].map(([name, tensor]) => [name, Float32Array.from(tensor.data)]));
}

function bytesOf(values: Float32Array | Float64Array | Uint32Array | Int32Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

/**
 * Byte patterns that betray a tensor: float64 of each value, float32 of neighbors (alone, four bytes occur by chance), both byte orders,
 * and neighbors as fixed-point integers of usual precisions.
 */
function* patternsOf(values: Float32Array): Generator<{ pattern: Buffer; what: string }> {
  for (let index = 0; index < values.length; index++) {
    const double = bytesOf(Float64Array.of(values[index]!));
    yield { pattern: double, what: `float64 [${index}]` };
    yield { pattern: Buffer.from(double).reverse(), what: `float64 big-endian [${index}]` };
    if (index + 1 >= values.length) continue;
    const pair = values.slice(index, index + 2);
    yield { pattern: bytesOf(pair), what: `float32 [${index}]` };
    const swapped = Buffer.from(bytesOf(pair));
    yield { pattern: swapped.swap32(), what: `float32 big-endian [${index}]` };
    for (const bits of [16, 24, 26, 28, 30]) {
      const fixed = Int32Array.from(pair, (value) => Math.round(value * 2 ** bits));
      yield { pattern: bytesOf(fixed), what: `${bits}-bit integer [${index}]` };
    }
  }
}

/** Looks for all patterns at once: each has 8 bytes, so the first 4 leave few candidates at each offset. */
function findParameter(bytes: Uint8Array, parameters: ReadonlyMap<string, Float32Array>): string | null {
  const candidates = new Map<number, { readonly second: number; readonly label: string }[]>();
  for (const [name, values] of parameters) {
    for (const { pattern, what } of patternsOf(values)) {
      expect(pattern.length).toBe(8);
      const entries = candidates.get(pattern.readUInt32LE(0)) ?? [];
      entries.push({ second: pattern.readUInt32LE(4), label: `${name} as ${what}` });
      candidates.set(pattern.readUInt32LE(0), entries);
    }
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let offset = 0; offset + 8 <= bytes.length; offset++) {
    const entries = candidates.get(view.getUint32(offset, true));
    if (entries === undefined) continue;
    const found = entries.find(({ second }) => second === view.getUint32(offset + 4, true));
    if (found !== undefined) return found.label;
  }
  return null;
}

/** Largest deviation of the counts of 64 buckets from what uniform residues give, in standard deviations. */
function unevenness(residues: Uint32Array, q: number): number {
  const buckets = new Float64Array(64);
  for (const value of residues) buckets[Math.floor((value / q) * 64)]! += 1;
  const expected = residues.length / 64;
  return Math.max(...buckets.map((count) => Math.abs(count - expected) / Math.sqrt(expected)));
}

describe('a protected network', () => {
  let bundle: ProtectedNetwork;
  let further: ProtectedNetwork;
  let steps: string[];
  const part = (name: string) => bundle.parts.find((candidate) => candidate.name === name)!.bytes;

  beforeAll(async () => {
    steps = [];
    const source = { graph, onnx: writeOnnx(graph), metadata: METADATA };
    const protect = createProtector('small', source);
    bundle = await protect({ onProgress: ({ step }) => steps.push(step) });
    further = await protect({ fingerprint: new Uint8Array(32).fill(3), interpreters: 'engine' });
  });

  it('has every part, and says what it did', () => {
    expect(bundle.parts.map(({ name }) => name)).toEqual(BUNDLE_PARTS);
    expect(steps.length).toBeGreaterThanOrEqual(5);
    expect(bundle.logQP).toBeLessThanOrEqual(430);
  });

  it('holds no parameter of any layer in the clear', () => {
    const parameters = parametersOf(graph);
    expect([...parameters.keys()]).toEqual(['w0', 'b0', 'w1', 'b1', 'w2', 'b2']);
    for (const { name, bytes } of bundle.parts) expect(findParameter(bytes, parameters), name).toBeNull();
    // The search does find what is there: the ONNX file, and a planted pattern.
    expect(findParameter(bundle.onnx, parameters)).toMatch(/^w0 as float32/);
    const planted = Uint8Array.from(part('constants'));
    planted.set(bytesOf(Float64Array.of(parameters.get('b2')![1]!)), 1001);
    expect(findParameter(planted, parameters)).toBe('b2 as float64 [1]');
  });

  it('holds constants that look uniformly random, and are not the encoded plaintexts', () => {
    const program = decodeProgram(part('program'));
    const { parameters } = verifyProgram(program);
    const constants = decodeConstants(parameters, program.constants, part('constants'));
    const compiled = compileNetwork(graph, { name: 'small', ...METADATA });
    const encoder = createEncoder(parameters);
    const degree = parameters.ringDegree;
    expect(new Set(constants.map(({ seed }) => Buffer.from(seed).toString('hex'))).size).toBe(
      constants.length,
    );
    constants.forEach((constant, index) => {
      const type = program.constants[index]!;
      const plain = encoder.encode(compiled.constants[index]!, type);
      const first = constant.first.subarray(0, degree);
      const same = first.reduce((count, value, i) => count + (value === plain[i] ? 1 : 0), 0);
      expect(same, `constant ${index}`).toBeLessThan(4);
      expect(unevenness(first, parameters.moduli[0]!), `constant ${index}`).toBeLessThan(6.5);
    });
  });

  it('has a program that depends on the architecture only', async () => {
    const other = makeSmallGraph(2);
    expect(parametersOf(other).get('w0')).not.toEqual(parametersOf(graph).get('w0'));
    const network = { graph: other, onnx: writeOnnx(other), metadata: METADATA };
    const second = await createProtector('small', network)({ interpreters: 'engine' });
    const program = second.parts.find(({ name }) => name === 'program')!.bytes;
    expect(Buffer.compare(program, part('program'))).toBe(0);
    for (const { name, bytes } of second.parts) expect(bytes.length, name).toBe(part(name).length);
    // New keys every time: nothing else may repeat.
    for (const name of ['public-key', 'constants', 'evaluation-keys', 'self-test']) {
      const bytes = second.parts.find((candidate) => candidate.name === name)!.bytes;
      expect(Buffer.compare(bytes, part(name)), name).not.toBe(0);
    }
  });

  it('gets further key sets, which have only the program in common, and a self-test by the engine', () => {
    for (const { name, bytes } of further.parts)
      expect(Buffer.compare(bytes, part(name)) === 0, name).toBe(name === 'program');
    expect(further.secretKey).not.toEqual(bundle.secretKey);
    expect(Object.keys(further.selfTest)).toEqual(['engine']);
    expect(Object.keys(bundle.selfTest)).toEqual(['reference', 'engine']);
    expect(further.selfTest.engine).not.toBe(bundle.selfTest.engine);
  });

  it('answers as the clear network, and passes its self-test', async () => {
    const program = decodeProgram(part('program'));
    const interpreter = await createReferenceInterpreter({
      program: verifyProgram(decodeProgram(part('program'))),
      constants: part('constants'),
      publicKey: part('public-key'),
      evaluationKeys: part('evaluation-keys'),
    });
    expect(program.resultRing?.ringDegree).toBe(2048);
    expect(bundle.answerBytes).toBe(32 + (2048 * 48) / 8);
    // As in operation: with only the key of answers.
    const decryptor = await createDecryptor(verifyProgram(program), {
      secretKey: new Uint8Array(),
      resultSecretKey: bundle.resultSecretKey!,
    });
    const picture = Float32Array.from({ length: 81 }, (_, index) => ((index * 37) % 81) / 81);
    const logits = runGraph(graph, picture);
    const answer = interpreter.run(picture).ciphertext;
    expect(answer.length).toBe(bundle.answerBytes);
    const read = interpretSlots(decryptor.decrypt(answer), bundle.interpretation, {
      round: (outputs) => roundLabel(outputs, bundle.labels, 0.01),
    });
    const expected = 1 / (1 + Math.exp(logits[0]! - logits[1]!));
    expect(read.ok && Math.abs(read.answers[0]!.probabilities!.occupied! - expected)).toBeLessThan(0.011);

    const selfTest = interpreter.runEncrypted(decodeSelfTest(part('self-test')));
    const digest = Buffer.from(await crypto.subtle.digest('SHA-256', Uint8Array.from(selfTest))).toString(
      'hex',
    );
    expect(digest).toBe(bundle.selfTest.reference);
    expect(bundle.selfTest.engine).toMatch(/^[0-9a-f]{64}$/);
    await interpreter.close();
    decryptor.close();
  });
});
