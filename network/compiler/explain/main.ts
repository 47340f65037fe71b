import type { MachineCost, RingChoice } from '#fhe/design';
import { loadNetwork } from '#network/model/description/load-network.ts';
import type { PlanProgress } from '../packing/layout-problem.ts';
import { drawExplanation } from './draw-explanation.ts';
import { explainSketch, sketchForExplanation } from './explain-network.ts';
import type { Explanation } from './explanation.ts';
import type { MachineRecord } from './machine-record.ts';
import { ringOf, runOf } from './machine-record.ts';
import { printExplanation } from './print-explanation.ts';

/** The request. */
export type ExplainRequest = {
  /** Name of a bundled network, or an ONNX file. */
  readonly network: string;
  /** Pictures that one ciphertext answers; 1 by default. */
  readonly regions?: number;
  /** Finds the measured costs of this machine in the ring of the plan; typical ones by default. */
  readonly machine?: (ring: RingChoice) => Promise<MachineCost>;
  /** The record of this machine: runs to compare the estimate with. */
  readonly record?: MachineRecord;
  /** Planning a deep network takes a minute and blocks the event loop. */
  readonly onProgress?: (progress: PlanProgress) => void;
};

/** An explanation in all its forms. */
export type Explained = { readonly explanation: Explanation; readonly text: string; readonly svg: string };

/** Explains a bundled network or an ONNX file. @throws NetworkError as `loadNetwork` and `sketchForExplanation`. */
export async function explain(request: ExplainRequest): Promise<Explained> {
  const { network, regions, machine, record, onProgress } = request;
  const { graph, name } = await loadNetwork(network);
  const sketch = sketchForExplanation(graph, name, regions, onProgress);
  const costs = await machine?.(ringOf(sketch.program));
  const measured = record && runOf(record, sketch.program);
  const explanation = explainSketch(sketch, {
    ...(costs && { machine: costs }),
    ...(measured && { measured }),
  });
  return { explanation, text: printExplanation(explanation), svg: drawExplanation(explanation) };
}
