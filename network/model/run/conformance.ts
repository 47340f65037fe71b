import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { NetworkError } from '#network/errors.ts';
import type { Graph, Tensor } from '../graph.ts';
import { TensorProtoSchema } from '../onnx/generated/onnx_pb.ts';
import { readOnnx } from '../onnx/onnx.ts';
import { readTensor } from '../onnx/tensor-codec.ts';
import { evaluateGraph } from './run.ts';

/** How a case of the ONNX project's backend suite ended; a refusal is a stated reason, not an error. */
export type ConformanceCase = {
  readonly name: string;
  readonly status: 'passed' | 'failed' | 'refused';
  /** Empty if it passed. */
  readonly reason: string;
};

/** All cases of a folder. */
export type ConformanceReport = {
  readonly passed: number;
  readonly failed: number;
  readonly refused: number;
  readonly cases: readonly ConformanceCase[];
};

/** The suite's own tolerances. */
const RELATIVE = 1e-3;
const ABSOLUTE = 1e-7;

async function findCases(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  if (entries.some((entry) => entry.name === 'model.onnx')) return [folder];
  const nested = await Promise.all(
    entries.filter((entry) => entry.isDirectory()).map((entry) => findCases(join(folder, entry.name))),
  );
  return nested.flat().sort();
}

/** The tensors input_0.pb, input_1.pb … or output_0.pb … of a data set. */
async function readTensors(folder: string, kind: 'input' | 'output'): Promise<Tensor[]> {
  const files = (await readdir(folder)).filter((file) => file.startsWith(`${kind}_`)).length;
  return Promise.all(
    Array.from({ length: files }, async (_, i) => {
      const bytes = await readFile(join(folder, `${kind}_${i}.pb`));
      try {
        return readTensor(fromBinary(TensorProtoSchema, bytes), `${kind} ${i}`);
      } catch (cause) {
        if (cause instanceof NetworkError) throw cause;
        throw new NetworkError('NETWORK_FILE', `${kind} ${i} is not a tensor`, { cause });
      }
    }),
  );
}

/** Why `actual` is not `expected`, or nothing. */
function difference(actual: Tensor | undefined, expected: Tensor): string | undefined {
  if (actual === undefined) return 'was not computed';
  if (actual.shape.join() !== expected.shape.join()) {
    return `shape ${actual.shape.join('×')}, expected ${expected.shape.join('×')}`;
  }
  for (let i = 0; i < expected.data.length; i++) {
    const [a, e] = [actual.data[i]!, expected.data[i]!];
    if (Object.is(a, e) || Math.abs(a - e) <= ABSOLUTE + RELATIVE * Math.abs(e)) continue;
    return `element ${i} is ${a}, expected ${e}`;
  }
  return undefined;
}

async function runDataSet(graph: Graph, folder: string): Promise<string | undefined> {
  const inputs = await readTensors(folder, 'input');
  const expected = await readTensors(folder, 'output');
  const named = new Map(
    inputs.flatMap((tensor, i) => (graph.inputs[i] ? [[graph.inputs[i].name, tensor]] : [])),
  );
  const values = evaluateGraph(graph, named);
  for (const [i, output] of graph.outputs.entries()) {
    const wrong = difference(values.get(output.name), expected[i]!);
    if (wrong !== undefined) return `output '${output.name}': ${wrong}`;
  }
  return undefined;
}

async function runCase(folder: string, name: string): Promise<ConformanceCase> {
  try {
    const graph = readOnnx(await readFile(join(folder, 'model.onnx')));
    const sets = (await readdir(folder)).filter((entry) => entry.startsWith('test_data_set_'));
    for (const set of sets) {
      const reason = await runDataSet(graph, join(folder, set));
      if (reason !== undefined) return { name, status: 'failed', reason: `${set}: ${reason}` };
    }
    if (sets.length === 0) return { name, status: 'failed', reason: 'no test_data_set_* folder' };
    return { name, status: 'passed', reason: '' };
  } catch (error) {
    if (error instanceof NetworkError) return { name, status: 'refused', reason: error.message };
    return { name, status: 'failed', reason: error instanceof Error ? error.message : String(error) };
  }
}

/**
 * Runs a folder of cases laid out as the ONNX project's backend tests (model.onnx, test_data_set_N/{input,output}_M.pb, at
 * any depth) in the clear.
 *
 * @throws NetworkError NETWORK_DATA if the folder cannot be read or holds no case.
 */
export async function runConformance(folder: string, signal?: AbortSignal): Promise<ConformanceReport> {
  let folders: string[];
  try {
    folders = await findCases(folder);
  } catch (cause) {
    throw new NetworkError('NETWORK_DATA', `${folder}: cannot be read`, { cause });
  }
  if (folders.length === 0)
    throw new NetworkError('NETWORK_DATA', `${folder}: no model.onnx below this folder`);
  const cases: ConformanceCase[] = [];
  for (const found of folders) {
    signal?.throwIfAborted();
    cases.push(await runCase(found, relative(folder, found) || '.'));
  }
  const count = (status: ConformanceCase['status']): number =>
    cases.filter((one) => one.status === status).length;
  return { passed: count('passed'), failed: count('failed'), refused: count('refused'), cases };
}
