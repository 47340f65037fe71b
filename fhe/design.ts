/**
 * The door for whoever designs programs, and nothing that a gateway needs: the interpreter in the clear, the listing, and what operations
 * cost.
 */

export { countOperations } from './engine/costs/count-operations.ts';
export { type FrameWork, frameWork } from './engine/costs/frame-work.ts';
export { KernelRates } from './engine/costs/kernel-rates.ts';
export { MachineMeasurement, measureMachine } from './engine/costs/measure-machine.ts';
export {
  type MachineCost,
  OperationCost,
  type RingChoice,
  TYPICAL_MACHINE,
} from './engine/costs/operation-cost.ts';
export { estimateCost } from './engine/costs/program-cost.ts';
export { estimateStepTimes } from './engine/costs/step-times.ts';
export { engineThreads } from './engine/threads/engine-threads.ts';
export { kernelDigest } from './engine/threads/kernel-digest.ts';
export { runClear } from './program/clear.ts';
export { listProgram } from './program/listing.ts';
