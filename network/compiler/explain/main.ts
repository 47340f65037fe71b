import type { MachineCost, RingChoice } from '#fhe/design';
import { loadNetwork } from '#network/model/description/load-network.ts';
import type { PlanProgress } from '../packing/layout-problem.ts';
import { type WeighedLayouts, weighLayouts } from '../packing/weigh-layouts.ts';
import { drawExplanation } from './draw-explanation.ts';
import { explainSketch, sketchForExplanation } from './explain-network.ts';
import type { Explanation } from './explanation.ts';
import { findLayer } from './find-layer.ts';
import type { MachineRecord } from './machine-record.ts';
import { ringOf, runOf } from './machine-record.ts';
import { printExplanation } from './print-explanation.ts';
import { printWeighed } from './print-weighed.ts';

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
  /** A layer whose layout is explained: its number, or `slowest`. */
  readonly why?: string;
  /** Planning a deep network takes a minute and blocks the event loop. */
  readonly onProgress?: (progress: PlanProgress) => void;
};

/** An explanation in all its forms. */
export type Explained = {
  readonly explanation: Explanation;
  /** The layouts of the layer that the request names; null if it names none. */
  readonly why: WeighedLayouts | null;
  /** Of the network, or of the layouts of one layer. */
  readonly text: string;
  readonly svg: string;
};

/** Explains a bundled network or an ONNX file. @throws NetworkError as `loadNetwork`, `sketchForExplanation` and `findLayer`. */
export async function explain(request: ExplainRequest): Promise<Explained> {
  const { network, regions, machine, record, why: layer, onProgress } = request;
  const { graph, name } = await loadNetwork(network);
  const sketch = sketchForExplanation(graph, name, regions, onProgress);
  // Before anything is measured: a layer that does not exist should not take long.
  const why =
    layer === undefined ? null : weighLayouts(sketch.planned, findLayer(explainSketch(sketch).layers, layer));
  const costs = await machine?.(ringOf(sketch.program));
  const measured = record && runOf(record, sketch.program);
  const explanation = explainSketch(sketch, {
    ...(costs && { machine: costs }),
    ...(measured && { measured }),
  });
  const text = why === null ? printExplanation(explanation) : printWeighed(name, why);
  return { explanation, why, text, svg: drawExplanation(explanation) };
}
