import type { StepNetwork } from './steps.ts';

/** Levels from the picture to each register; pools take none. */
export function registerDepths(network: StepNetwork): number[] {
  const depths = [0];
  for (const step of network.steps) {
    if (step.kind === 'pool') {
      depths.push(depths[step.source]!);
      continue;
    }
    const sources = step.kind === 'product' ? [step.left, step.right] : step.terms.map((t) => t.source);
    depths.push(1 + Math.max(0, ...sources.map((source) => depths[source]!)));
  }
  return depths;
}
