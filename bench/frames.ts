import {
  createEngineInterpreter,
  createReferenceInterpreter,
  encodeProgram,
  type Interpreter,
  type InterpreterMaterial,
} from '#fhe';
import { runClear } from '#fhe/design';
import {
  createDecryptor,
  createOwnerKeys,
  encryptConstants,
  makeEvaluationKeys,
  type OwnerKeys,
} from '#fhe/secret';
import type { CompiledNetwork } from '#network/compiler/compiled-network.ts';
import { type Effort, measureInterleaved } from './measure.ts';
import { type Architecture, benchPictures } from './networks.ts';
import type { FrameResult } from './report.ts';

/** Number of pictures that the error is measured on. */
const PICTURES = 5;

/** Measures one network: encrypted weights, encrypted picture, one picture at a time. */
export async function benchFrame(
  architecture: Architecture,
  compiled: CompiledNetwork,
  threadCounts: readonly number[],
  effort: Effort,
  signal?: AbortSignal,
): Promise<FrameResult[]> {
  const { program, verified, constants } = compiled;
  const { parameters } = verified;
  const keys = await createOwnerKeys(parameters, program.resultRing);
  const material: InterpreterMaterial = {
    program: verified,
    constants: await encryptConstants(verified, keys.secretKey, constants),
    publicKey: keys.publicKey,
    evaluationKeys: await makeEvaluationKeys(verified, keys),
  };
  const reference = await createReferenceInterpreter(material, { digits: 'seal' });
  const engines: Interpreter[] = [];
  try {
    for (const threads of threadCounts) engines.push(await createEngineInterpreter(material, { threads }));
    const [picture] = benchPictures(architecture, 1);
    const timings = engines.map((): { encryptMs: number; evaluateMs: number }[] => []);
    const candidates = engines.map((engine, i) => () => {
      timings[i]!.push(engine.run(picture!).timings);
    });
    const times = await measureInterleaved([...candidates, () => reference.run(picture!)], effort, signal);
    const nodeSealMs = times.at(-1)!.medianMs;
    const results: FrameResult[] = [];
    for (const [i, engine] of engines.entries()) {
      const { medianMs, spreadMs } = times[i]!;
      const encryptMs = median(timings[i]!.map((timing) => timing.encryptMs));
      const answers = benchPictures(architecture, PICTURES).map((values) => ({
        values,
        ciphertext: engine.run(values).ciphertext,
      }));
      results.push({
        network: architecture.name,
        threads: threadCounts[i]!,
        encryptMs,
        evaluateMs: median(timings[i]!.map((timing) => timing.evaluateMs)),
        totalMs: medianMs,
        spreadMs,
        nodeSealMs,
        ratio: nodeSealMs / medianMs,
        bundleBytes:
          encodeProgram(program).length +
          material.constants.length +
          material.publicKey.length +
          material.evaluationKeys.length,
        evaluationKeyBytes: material.evaluationKeys.length,
        resultBytes: answers[0]!.ciphertext.length,
        worstError: await worstLogitError(compiled, keys, answers),
      });
    }
    return results;
  } finally {
    await Promise.all([reference, ...engines].map((interpreter) => interpreter.close()));
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

/** Largest |engine − clear program| over all slots that hold a logit, in logits. */
async function worstLogitError(
  { verified, constants, interpretation }: CompiledNetwork,
  keys: OwnerKeys,
  answers: readonly { readonly values: Float32Array; readonly ciphertext: Uint8Array }[],
): Promise<number> {
  const decryptor = await createDecryptor(verified, keys);
  try {
    let worst = 0;
    for (const { values, ciphertext } of answers) {
      const clear = runClear(verified, constants, values);
      decryptor.decrypt(ciphertext).forEach((value, slot) => {
        if (interpretation.expected[slot]! >= 0)
          worst = Math.max(worst, Math.abs(value - clear[slot]!) * interpretation.unit);
      });
    }
    return worst;
  } finally {
    decryptor.close();
  }
}
