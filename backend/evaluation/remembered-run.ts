import type { Program } from '#fhe';
import { MachineMeasurement } from '#fhe/design';
import { readMachineRecord, ringOf, withCost, withRun } from '#network/compiler/explain/machine-record.ts';
import type { Evaluation } from './evaluate-network.ts';
import { keepMachineRecord } from './keep-machine-record.ts';

/** Rounds of measurement, spread evenly over the frames. */
const ROUNDS = 15;

/**
 * Lets `explain` compare its estimate with the measured frame times. A machine is not equally fast at all times, so its unit costs are measured
 * between the frames: measured before and after them, they were off by up to 30 %.
 */
export class RememberedRun {
  readonly #every: number;
  #measurement: MachineMeasurement | null = null;
  #frames = 0;

  /** @param frames how many are expected. */
  constructor(frames: number) {
    this.#every = Math.ceil(frames / ROUNDS);
  }

  async beforeFrame(program: Program): Promise<void> {
    if (this.#measurement === null) {
      this.#measurement = new MachineMeasurement(ringOf(program));
      await this.#measurement.round(undefined, false);
    }
    if (this.#frames++ % this.#every === 0) await this.#measurement.round();
  }

  /** @param note as that of {@link keepMachineRecord}. */
  async keep({ program, latencyMs }: Evaluation, note: (text: string) => void): Promise<void> {
    if (this.#measurement === null) return;
    const { median: medianMs, p95: p95Ms } = latencyMs;
    const run = { medianMs, p95Ms, frames: this.#frames, at: new Date().toISOString() };
    const record = withCost(await readMachineRecord(), ringOf(program), this.#measurement.cost());
    await keepMachineRecord(withRun(record, program, run), note);
  }

  async close(): Promise<void> {
    await this.#measurement?.close();
  }
}
