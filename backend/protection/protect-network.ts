import { readFile } from 'node:fs/promises';
import { encodeProgram } from '#fhe';
import { createOwnerKeys, encryptConstants, makeEvaluationKeys } from '#fhe/secret';
import { compileCopies } from '#network/compiler/compile.ts';
import { markGraph } from '#network/fingerprint/mark-graph.ts';
import type { NetworkDescription } from '#network/model/description/network-description.ts';
import { loadZooNetwork } from '#network/model/description/zoo.ts';
import type { Graph } from '#network/model/graph.ts';
import { readOnnx } from '#network/model/onnx/onnx.ts';
import { encodeSelfTest } from '#protocol/self-test.ts';
import { type NetworkSource, readMetadata } from './network-source.ts';
import type {
  ProtectedNetwork,
  ProtectProgress,
  ProtectSource,
  SelfTestInterpreters,
} from './protect-task.ts';
import { makeSelfTest } from './self-test.ts';

/** A clear network, with what its owner says about it. */
export type ClearNetwork = {
  readonly onnx: Uint8Array;
  readonly graph: Graph;
  readonly metadata: NetworkDescription;
};

export type ProtectOptions = {
  /** Key of the fingerprint that the weights get before they are encrypted; none where left out. */
  readonly fingerprint?: Uint8Array;
  /** Both where left out. */
  readonly interpreters?: SelfTestInterpreters;
  readonly onProgress?: (progress: ProtectProgress) => void;
};

/** Protects a network under fresh keys, each time it is called. */
export type Protector = (options?: ProtectOptions) => Promise<ProtectedNetwork>;

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
 * Compiles a clear network, once for all its key sets.
 *
 * @param regions of interest that one ciphertext answers; 1 by default
 * @returns makes a bundle of it: program, fresh keys, every parameter encrypted, evaluation keys, self-test. It throws FheError, and BlindsightError SELF_TEST_FAILED.
 * @throws NetworkError
 */
export function createProtector(
  name: string,
  { metadata, graph, onnx }: ClearNetwork,
  regions = 1,
): Protector {
  const compile = compileCopies(graph, { ...metadata, name, regions });
  return async ({ fingerprint, interpreters = 'both', onProgress = () => {} } = {}) => {
    onProgress({ step: 'filling in the parameters', fraction: 0.05 });
    const compiled = compile(fingerprint === undefined ? graph : markGraph(graph, fingerprint));
    const { program, verified } = compiled;
    const { parameters } = verified;
    onProgress({ step: 'making the key pair', fraction: 0.1 });
    const keys = await createOwnerKeys(parameters, program.resultRing);
    const encrypting = (share: number) =>
      onProgress({ step: `encrypting ${compiled.constants.length} constants`, fraction: 0.2 + 0.15 * share });
    encrypting(0);
    const constants = await encryptConstants(verified, keys.secretKey, compiled.constants, encrypting);
    const making = (share: number) =>
      onProgress({ step: 'making the evaluation keys', fraction: 0.35 + 0.25 * share });
    making(0);
    const evaluationKeys = await makeEvaluationKeys(verified, keys, making);
    onProgress({ step: 'running the self-test', fraction: 0.6 });
    const { publicKey } = keys;
    const material = { program: verified, constants, publicKey, evaluationKeys };
    const selfTest = await makeSelfTest({ ...material, compiled, keys, interpreters });
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
        { name: 'public-key', bytes: publicKey },
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
  };
}

/**
 * As {@link createProtector}, for a network given by its source.
 *
 * @throws NetworkError, BlindsightError MODEL_UNREADABLE
 */
export async function openProtector({ name, source, regions }: ProtectSource): Promise<Protector> {
  const network = await loadNetwork(source);
  return createProtector(name, network, regions);
}
