import { createHash } from 'node:crypto';
import { encodeProgram, evaluationKeysBytes } from '#fhe';
import { compileNetwork } from '#network/compiler/compile.ts';
import { loadZooNetwork } from '#network/model/description/zoo.ts';
import type { ModelRecord } from '../store/models.ts';

/**
 * Whether this version of Blindsight would make the same of a bundled network as the one that protected it: the same network, the same
 * program, evaluation keys of the same size. Compared, and not numbered, so that no change of the compiler can be forgotten.
 */
export async function isCurrent(model: ModelRecord, zooName: string): Promise<boolean> {
  const { onnx, graph, metadata } = await loadZooNetwork(zooName);
  if (sha256(onnx) !== model.onnxSha256) return false;
  const { program, verified } = compileNetwork(graph, { ...metadata, name: model.name });
  const part = (name: string) => model.parts.find((candidate) => candidate.name === name);
  const { parameters, requirements } = verified;
  return (
    part('program')?.sha256 === sha256(encodeProgram(program)) &&
    part('evaluation-keys')?.bytes === evaluationKeysBytes(parameters, requirements)
  );
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
