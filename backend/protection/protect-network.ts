import { readFile } from 'node:fs/promises';
import { encodeProgram } from '#fhe';
import { createOwnerKeys, encryptConstants, makeEvaluationKeys } from '#fhe/secret';
import { compileNetwork } from '#network/compiler/compile.ts';
import { markGraph } from '#network/fingerprint/mark-graph.ts';
import type { NetworkDescription } from '#network/model/description/network-description.ts';
import { loadZooNetwork } from '#network/model/description/zoo.ts';
import type { Graph } from '#network/model/graph.ts';
import { readOnnx } from '#network/model/onnx/onnx.ts';
import { encodeSelfTest } from '#protocol/self-test.ts';
import { type NetworkSource, readMetadata } from './network-source.ts';
import type { ProtectedNetwork, ProtectProgress } from './protect-task.ts';
import { makeSelfTest } from './self-test.ts';

/** A clear network, with what its owner says about it. */
export type ClearNetwork = {
  readonly onnx: Uint8Array;
  readonly graph: Graph;
  readonly metadata: NetworkDescription;
};

export type ProtectOptions = {
  /** Regions of interest that one ciphertext answers; 1 by default. */
  readonly regions?: number;
  /** Key of the fingerprint that the weights get before they are encrypted; none where left out. */
  readonly fingerprint?: Uint8Array;
  readonly onProgress?: (progress: ProtectProgress) => void;
};

async function loadNetwork(source: NetworkSource): Promise<ClearNetwork> {
  if ('zoo' in source) return loadZooNetwork(source.zoo);
  if ('onnx' in source) {
    const { onnx, description } = source;
    return { onnx, graph: readOnnx(onnx), metadata: description };
  }
  const metadata = await readMetadata(source.metadataFile);
  const onnx = await readFile(source.onnxFile);
  return { onnx, graph: readOnnx(onnx), metadata };
}

/**
 * Turns a clear network into a bundle: program, fresh keys, every parameter encrypted, evaluation keys, self-test. Heavy: for a thread.
 *
 * @throws NetworkError, FheError, BlindsightError MODEL_UNREADABLE or SELF_TEST_FAILED.
 */
export async function protectNetwork(
  name: string,
  network: ClearNetwork,
  { regions = 1, fingerprint, onProgress = () => {} }: ProtectOptions = {},
): Promise<ProtectedNetwork> {
  const { metadata, graph, onnx } = network;
  onProgress({ step: 'compiling the network to a ciphertext program', fraction: 0.05 });
  const compiled = compileNetwork(fingerprint === undefined ? graph : markGraph(graph, fingerprint), {
    ...metadata,
    name,
    regions,
  });
  const { program, verified } = compiled;
  const { parameters } = verified;
  onProgress({ step: 'making the key pair', fraction: 0.1 });
  const keys = await createOwnerKeys(parameters, program.resultRing);
  onProgress({ step: `encrypting ${compiled.constants.length} constants`, fraction: 0.2 });
  const constants = await encryptConstants(verified, keys.secretKey, compiled.constants);
  onProgress({ step: 'making the evaluation keys', fraction: 0.45 });
  const evaluationKeys = await makeEvaluationKeys(verified, keys);
  onProgress({ step: 'running the self-test', fraction: 0.7 });
  const material = {
    program: verified,
    constants,
    publicKey: keys.publicKey,
    evaluationKeys,
  };
  const selfTest = await makeSelfTest({ ...material, compiled, keys });
  onProgress({ step: 'sealing keys and network', fraction: 0.95 });
  return {
    // A copy: storing it overwrites it.
    onnx: Uint8Array.from(onnx),
    description: metadata,
    labels: metadata.labels,
    ringDegree: parameters.ringDegree,
    logQP: parameters.logQP,
    parts: [
      { name: 'program', bytes: encodeProgram(program) },
      { name: 'public-key', bytes: keys.publicKey },
      { name: 'constants', bytes: constants },
      { name: 'evaluation-keys', bytes: evaluationKeys },
      { name: 'self-test', bytes: encodeSelfTest(selfTest.inputs) },
    ],
    secretKey: keys.secretKey,
    resultSecretKey: keys.resultSecretKey ?? null,
    selfTest: selfTest.digests,
    answerBytes: selfTest.answerBytes,
    interpretation: compiled.interpretation,
  };
}

/** As {@link protectNetwork}, for a network given by its source. */
export async function protectSource(
  name: string,
  source: NetworkSource,
  options: ProtectOptions,
): Promise<ProtectedNetwork> {
  options.onProgress?.({ step: 'reading the network', fraction: 0 });
  try {
    return await protectNetwork(name, await loadNetwork(source), options);
  } finally {
    if ('onnx' in source) source.onnx.fill(0);
  }
}
