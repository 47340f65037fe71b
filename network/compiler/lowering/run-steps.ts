import { type PoolStep, type StepNetwork, windowStarts } from './steps.ts';

function sumWindows(step: PoolStep, x: Float64Array): Float64Array {
  return Float64Array.from(windowStarts(step), (first) => {
    let sum = 0;
    for (let dy = 0; dy < step.size; dy++)
      for (let dx = 0; dx < step.size; dx++) sum += x[first + dy * step.shape[2] + dx]!;
    return sum;
  });
}

/** Values of all registers in float64, the picture first. */
export function runRegisters(network: StepNetwork, picture: ArrayLike<number>): Float64Array[] {
  const registers: Float64Array[] = [Float64Array.from(picture)];
  for (const step of network.steps) {
    if (step.kind === 'product') {
      const right = registers[step.right]!;
      registers.push(registers[step.left]!.map((value, i) => value * right[i]!));
      continue;
    }
    if (step.kind === 'pool') {
      registers.push(sumWindows(step, registers[step.source]!));
      continue;
    }
    const sum = step.bias.slice();
    for (const { source, affine } of step.terms) {
      const x = registers[source]!;
      const { start, column, weight } = affine;
      for (let row = 0; row < sum.length; row++) {
        let value = 0;
        for (let e = start[row]!; e < start[row + 1]!; e++) value += weight[e]! * x[column[e]!]!;
        sum[row]! += value;
      }
    }
    registers.push(sum);
  }
  return registers;
}

/** The logits of a picture in float64. */
export function runSteps(network: StepNetwork, picture: ArrayLike<number>): Float64Array {
  return runRegisters(network, picture).at(-1)!;
}
