import { LaneConvolution } from '#network/model/kernel/lane-convolution.ts';
import { trainingThreads } from '#network/model/kernel/training-threads.ts';
import { type ConvolutionPlan, planConvolution } from '../../model/operators/convolution.ts';
import { inputOf, type NodeRule, type NodeSite, type NodeStep } from './node-step.ts';

/** Products of one node and batch, about two milliseconds' work, from which on all cores take part. */
const MANY_PRODUCTS = 2 ** 25;

/** Conv without groups, over the threads of the workspace; see `LaneConvolution`. */
function wholeConvolution(site: NodeSite, plan: ConvolutionPlan): NodeStep {
  const { workspace, output } = site;
  const [input, weight, bias] = [inputOf(site, 0), inputOf(site, 1), site.inputs[2]];
  const { batch, channels, maps, pixels } = plan;
  const { positions, taps, index } = plan.windows;
  const trained = {
    weights: weight.gradients !== undefined || bias?.gradients !== undefined,
    input: input.gradients !== undefined,
  };
  if (batch * maps * positions * channels * taps >= MANY_PRODUCTS) workspace.useThreads(trainingThreads());
  const geometry = { channels, maps, pixels, positions, taps, index };
  const convolution = new LaneConvolution(workspace, geometry, batch, trained);
  const filters = { weights: weight.values, biases: bias?.values };
  // Where only one of both is trained, the other's gradients go nowhere.
  const slopes = trained.weights
    ? {
        weights: weight.gradients ?? workspace.allocate(weight.values.length),
        biases: bias?.gradients,
      }
    : undefined;
  const inner = { picture: channels * pixels, channel: pixels };
  const outer = { picture: maps * positions, channel: positions };
  return {
    forward: () => convolution.forward(input.values, inner, filters, output.values, outer, batch),
    backward: () => {
      const { gradients } = output;
      convolution.backward(gradients, outer, filters, slopes, input.gradients, inner, batch, true);
    },
  };
}

/**
 * Conv with groups, picture by picture and group by group as a product with its patches, which are laid out again in the backward pass: those of an
 * entire batch would not stay in the caches.
 */
function groupedConvolution(site: NodeSite, plan: ConvolutionPlan): NodeStep {
  const { workspace, output } = site;
  const [input, weight, bias] = [inputOf(site, 0), inputOf(site, 1), site.inputs[2]];
  const { batch, channels, maps, groups, patch, pixels, windows } = plan;
  const { positions, taps } = windows;
  const index = workspace.keep(windows.index);
  const depth = patch * taps;
  const rows = maps / groups;
  const columns = workspace.allocate(depth * positions);
  const columnGradients = workspace.allocate(input.gradients === undefined ? 0 : depth * positions);
  const cut = (array: Float32Array, first: number, size: number): Float32Array =>
    array.subarray(first, first + size);
  const sites = Array.from({ length: batch * groups }, (_, at) => {
    const [n, g] = [Math.floor(at / groups), at % groups];
    const picture = (n * channels + g * patch) * pixels;
    const map = (n * maps + g * rows) * positions;
    return {
      input: cut(input.values, picture, patch * pixels),
      inputGradients: input.gradients && cut(input.gradients, picture, patch * pixels),
      weights: cut(weight.values, g * rows * depth, rows * depth),
      weightGradients: weight.gradients && cut(weight.gradients, g * rows * depth, rows * depth),
      output: cut(output.values, map, rows * positions),
      gradients: cut(output.gradients, map, rows * positions),
      firstMap: g * rows,
    };
  });
  const forward = (): void => {
    for (const one of sites) {
      for (let m = 0; m < rows; m++) {
        one.output.fill(bias?.values[one.firstMap + m] ?? 0, m * positions, (m + 1) * positions);
      }
      workspace.gather(columns, one.input, index, patch);
      workspace.multiply(one.output, one.weights, columns, rows, depth, positions, true);
    }
  };
  const backward = (): void => {
    for (const one of sites) {
      if (bias?.gradients !== undefined) {
        for (let m = 0; m < rows; m++) {
          let sum = 0;
          for (let p = m * positions; p < (m + 1) * positions; p++) sum += one.gradients[p]!;
          bias.gradients[one.firstMap + m]! += sum;
        }
      }
      if (one.weightGradients !== undefined) {
        workspace.gather(columns, one.input, index, patch);
        workspace.multiplyRightTransposed(
          one.weightGradients,
          one.gradients,
          columns,
          rows,
          positions,
          depth,
          true,
        );
      }
      if (one.inputGradients !== undefined) {
        workspace.multiplyLeftTransposed(columnGradients, one.weights, one.gradients, depth, rows, positions);
        workspace.scatter(one.inputGradients, columnGradients, index, patch);
      }
    }
  };
  return { forward, backward };
}

/** Conv. */
export const convolutionStep: NodeRule = (site) => {
  const plan = planConvolution(site.call, inputOf(site, 0).shape, inputOf(site, 1).shape);
  return plan.groups === 1 ? wholeConvolution(site, plan) : groupedConvolution(site, plan);
};
