import type { Interpreter } from '../../program/interpreter.ts';
import { KernelPool } from '../threads/pool.ts';
import { Lane, type RecordedLane } from './lane.ts';

/** A lane of an engine for another thread: keys, constants and tables are in memory once. Can be sent to a worker. */
export type SharedLane = { readonly memory: WebAssembly.Memory; readonly recorded: RecordedLane };

/**
 * Runs pictures beside the interpreter that the lane was recorded by, in the thread of the caller: two pictures side by side, one thread each,
 * take less time than one after the other with two threads, which wait for each other.
 *
 * @param threads that share the work of one picture, including the caller's.
 */
export function createSecondLane(
  { memory, recorded }: SharedLane,
  threads: number,
): Pick<Interpreter, 'run' | 'close'> {
  const pool = new KernelPool(memory, recorded.control, { threads });
  const lane = new Lane(memory, pool, recorded);
  return {
    run: (values, seed, most) => lane.run(values, seed, most),
    close: () => pool.close(),
  };
}
