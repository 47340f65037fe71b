import { checkParameters, createEngineInterpreter, createReferenceInterpreter, verifyProgram } from '#fhe';
import { runClear } from '#fhe/design';
import { createDecryptor, createOwnerKeys, encryptConstants, makeEvaluationKeys } from '#fhe/secret';
import type { CompiledNetwork } from '#network/compiler/compiled-network.ts';

/** Answers to one picture by our engine, by SEAL and without encryption, as slots. */
export async function interpretedAnswers(
  network: CompiledNetwork,
  picture: Float32Array,
): Promise<Float64Array[]> {
  const { program, constants } = network;
  const keys = await createOwnerKeys(checkParameters(program.parameters), program.resultRing);
  const material = {
    program: verifyProgram(program),
    constants: await encryptConstants(verifyProgram(program), keys.secretKey, constants),
    publicKey: keys.publicKey,
    evaluationKeys: await makeEvaluationKeys(verifyProgram(program), keys),
  };
  const decryptor = await createDecryptor(verifyProgram(program), keys);
  const engine = await createEngineInterpreter(material, { threads: 1 });
  const reference = await createReferenceInterpreter(material);
  try {
    const encrypted = [engine, reference].map((interpreter) =>
      decryptor.decrypt(interpreter.run(picture).ciphertext),
    );
    return [...encrypted, runClear(verifyProgram(program), constants, picture)];
  } finally {
    decryptor.close();
    await engine.close();
    await reference.close();
  }
}
