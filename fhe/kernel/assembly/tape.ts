/**
 * A whole program as one list of tasks that several threads work through together.
 *
 * A task is 20 words: operation, address of the counter it raises when done, two pairs (address of a counter, value to wait for; address 0: none),
 * and up to 14 arguments. Threads take tasks in order by one atomic increment. A task waits only for tasks before it, which somebody has
 * taken already, so there is no deadlock, and any number of threads (also one) gives the same bytes.
 */
import { addScaled, foldInner, keyInnerPermuted, permute, permuteSum } from './automorphism';
import { convertForward, divide, inverseAdd, mixedRadix } from './base';
import { encryptLimb, encryptTop, forwardSmall, sampleError, sampleTernary } from './encrypt';
import { encode } from './fourier';
import { rotateInner, rotateInnerPlain } from './rotate-inner';
import { add, innerPlain, keyInner, multiply, scale, square, tensor } from './limb';
import { forward } from './ntt';
import { shrink, splitDigits } from './ring-switch';

const TASK_BYTES: usize = 80;
/** Loads of a counter before the thread goes to sleep: about the time of a task. */
const SPINS: u32 = 20000;
/** A sleeper looks for itself now and then, in case the one who should wake it died. */
const SLEEP_MS: u32 = 20;

/** Words of the control block: next task, failure flag, finished tasks and sleeping threads (lines of their own). */
// @ts-ignore: decorator
@inline const NEXT: usize = 0;
// @ts-ignore: decorator
@inline const FAILED: usize = 4;
// @ts-ignore: decorator
@inline const DONE: usize = 64;
// @ts-ignore: decorator
@inline const SLEEPERS: usize = 128;

// @ts-ignore: decorator
@inline
function argument(task: usize, index: i32): u32 {
  return load<u32>(task + (<usize>index << 2), 24);
}

function execute(t: usize): void {
  switch (load<u32>(t)) {
    case 1: forward(argument(t, 0), argument(t, 1), argument(t, 2), argument(t, 3)); break;
    case 2: inverseAdd(argument(t, 0), argument(t, 1), argument(t, 2), argument(t, 3)); break;
    case 3: add(argument(t, 0), argument(t, 1), argument(t, 2), argument(t, 3)); break;
    case 4: scale(argument(t, 0), argument(t, 1), argument(t, 2), argument(t, 3), argument(t, 4)); break;
    case 5: multiply(argument(t, 0), argument(t, 1), argument(t, 2), argument(t, 3)); break;
    case 6: tensor(argument(t, 0), argument(t, 1), argument(t, 2), argument(t, 3), argument(t, 4), argument(t, 5), argument(t, 6), argument(t, 7), argument(t, 8)); break;
    case 7: square(argument(t, 0), argument(t, 1), argument(t, 2), argument(t, 3), argument(t, 4), argument(t, 5)); break;
    case 8: keyInner(argument(t, 0), argument(t, 1), argument(t, 2), argument(t, 3), argument(t, 4), argument(t, 5), argument(t, 6)); break;
    case 9: keyInnerPermuted(argument(t, 0), argument(t, 1), argument(t, 2), argument(t, 3), argument(t, 4), argument(t, 5), argument(t, 6), argument(t, 7), argument(t, 8)); break;
    case 10: permute(argument(t, 0), argument(t, 1), argument(t, 2), argument(t, 3), argument(t, 4)); break;
    case 11: addScaled(argument(t, 0), argument(t, 1), argument(t, 2), argument(t, 3), argument(t, 4), argument(t, 5), argument(t, 6), argument(t, 7)); break;
    case 12: mixedRadix(argument(t, 0), argument(t, 1), argument(t, 2), argument(t, 3)); break;
    case 13: convertForward(argument(t, 0), argument(t, 1), argument(t, 2), argument(t, 3), argument(t, 4), argument(t, 5)); break;
    case 14: divide(argument(t, 0), argument(t, 1), argument(t, 2), argument(t, 3), argument(t, 4), argument(t, 5), argument(t, 6), argument(t, 7), argument(t, 8), argument(t, 9)); break;
    case 15: sampleTernary(argument(t, 0), argument(t, 1), argument(t, 2)); break;
    case 16: sampleError(argument(t, 0), argument(t, 1), argument(t, 2)); break;
    case 17: forwardSmall(argument(t, 0), argument(t, 1), argument(t, 2)); break;
    case 18: encryptTop(argument(t, 0), argument(t, 1), argument(t, 2), argument(t, 3), argument(t, 4), argument(t, 5)); break;
    case 19: encryptLimb(argument(t, 0), argument(t, 1), argument(t, 2), argument(t, 3), argument(t, 4), argument(t, 5), argument(t, 6), argument(t, 7)); break;
    case 20: encode(argument(t, 0), argument(t, 1), argument(t, 2), argument(t, 3), argument(t, 4), argument(t, 5)); break;
    case 21: memory.fill(argument(t, 0), 0, argument(t, 1)); break;
    case 22: memory.copy(argument(t, 0), argument(t, 1), argument(t, 2)); break;
    case 23: rotateInner(argument(t, 0), argument(t, 1), argument(t, 2), argument(t, 3), argument(t, 4), argument(t, 5), argument(t, 6), argument(t, 7), argument(t, 8)); break;
    case 24: permuteSum(argument(t, 0), argument(t, 1), argument(t, 2), argument(t, 3), argument(t, 4), argument(t, 5), argument(t, 6)); break;
    case 25: foldInner(argument(t, 0), argument(t, 1), argument(t, 2), argument(t, 3), argument(t, 4), argument(t, 5), argument(t, 6), argument(t, 7)); break;
    case 26: splitDigits(argument(t, 0), argument(t, 1), argument(t, 2), argument(t, 3)); break;
    case 27: shrink(argument(t, 0), argument(t, 1), argument(t, 2), argument(t, 3), argument(t, 4), argument(t, 5), argument(t, 6), argument(t, 7)); break;
    case 28: innerPlain(argument(t, 0), argument(t, 1), argument(t, 2), argument(t, 3), argument(t, 4), argument(t, 5), argument(t, 6)); break;
    case 29: rotateInnerPlain(argument(t, 0), argument(t, 1), argument(t, 2), argument(t, 3), argument(t, 4), argument(t, 5), argument(t, 6), argument(t, 7), argument(t, 8)); break;
    default: unreachable();
  }
}

/** Waits until the counter reached `value`. False where another thread failed or nothing happened for `patience` milliseconds. */
function awaitCounter(counter: usize, value: u32, control: usize, patience: u32): bool {
  for (let spin: u32 = 0; spin < SPINS; spin++) {
    if (atomic.load<u32>(counter) >= value) return true;
  }
  // First counted as a sleeper, then looked: whoever raises the counter looks for sleepers after that, so one of the two sees the other.
  atomic.add<u32>(control, 1, SLEEPERS);
  let idle: u32 = 0, seen = atomic.load<u32>(counter);
  while (seen < value && idle < patience && atomic.load<u32>(control, FAILED) == 0) {
    if (atomic.wait<u32>(counter, seen, <i64>SLEEP_MS * 1_000_000) == TIMED_OUT) idle += SLEEP_MS;
    seen = atomic.load<u32>(counter);
  }
  atomic.sub<u32>(control, 1, SLEEPERS);
  return seen >= value;
}

/** Result of a wait that nobody ended. */
const TIMED_OUT: i32 = 2;

// @ts-ignore: decorator
@inline
function raise(counter: usize, control: usize): void {
  atomic.add<u32>(counter, 1);
  if (atomic.load<u32>(control, SLEEPERS) != 0) atomic.notify(counter, -1);
}

/**
 * Works on the tape until no task is left to take. Every finished task is counted in the control block, so that a barrier is
 * "as many as stand before me".
 *
 * @param patience milliseconds without progress after which another thread is taken for dead.
 * @returns 0, or 1 where another thread failed or seems dead: the results are then worthless.
 */
export function run(control: usize, tape: usize, count: u32, patience: u32): u32 {
  while (true) {
    const index = atomic.add<u32>(control, 1, NEXT);
    if (index >= count) return 0;
    const task = tape + <usize>index * TASK_BYTES;
    const first = load<u32>(task, 8), second = load<u32>(task, 16);
    if ((first && !awaitCounter(first, load<u32>(task, 12), control, patience)) || (second && !awaitCounter(second, load<u32>(task, 20), control, patience))) {
      atomic.store<u32>(control, 1, FAILED);
      return 1;
    }
    execute(task);
    const counter = load<u32>(task, 4);
    if (counter) raise(counter, control);
    raise(control + DONE, control);
  }
}

/** Waits until `count` tasks are done, without taking any: the end of a run. Returns as {@link run}. */
export function wait(control: usize, count: u32, patience: u32): u32 {
  return awaitCounter(control + DONE, count, control, patience) ? 0 : 1;
}
