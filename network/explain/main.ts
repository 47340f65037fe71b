import { loadNetwork } from '../evaluation/load-network.ts';
import type { MachineCost } from '../packing/general/operation-cost.ts';
import { drawExplanation } from './draw-explanation.ts';
import { explainNetwork } from './explain-network.ts';
import type { Explanation } from './explanation.ts';
import { printExplanation } from './print-explanation.ts';

/** What is asked for. */
export type ExplainRequest = {
  /** Name of a bundled network, or an ONNX file. */
  readonly network: string;
  /** Measured costs of this machine; typical ones where left out. */
  readonly machine?: MachineCost;
};

/** An explanation in all its forms. */
export type Explained = { readonly explanation: Explanation; readonly text: string; readonly svg: string };

/** Explains a bundled network or an ONNX file. @throws NetworkError as `loadNetwork` and `explainNetwork`. */
export async function explain({ network, machine }: ExplainRequest): Promise<Explained> {
  const { graph, name } = await loadNetwork(network);
  const explanation = explainNetwork(graph, { name, ...(machine && { machine }) });
  return { explanation, text: printExplanation(explanation), svg: drawExplanation(explanation) };
}
