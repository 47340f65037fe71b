import { receiveMessageOnPort } from 'node:worker_threads';
import {
  answerPlaces,
  assertNever,
  createSecondLane,
  type Interpreter,
  type RunResult,
  type SharedLane,
} from '#fhe';
import { BlindsightError } from '#protocol/errors.ts';
import { type Answer, serveTasks } from '#runtime/threads/serve-tasks.ts';
import { pictureInputs } from '#vision/picture-input.ts';
import { loadBundle } from './load-bundle.ts';
import type {
  JoinRequest,
  Opened,
  OpenedProgram,
  OpenProgress,
  OpenRequest,
  WorkerReply,
  WorkerRequest,
} from './worker-messages.ts';

/** What this thread holds. */
let loaded: (OpenedProgram & { readonly interpreter: Pick<Interpreter, 'run' | 'close'> }) | null = null;

async function open(request: OpenRequest, onProgress: (progress: OpenProgress) => void): Promise<Opened> {
  try {
    const { interpreter, verified, lane } = await loadBundle(request, onProgress);
    const { picture, regions = 1 } = verified.program;
    loaded = { interpreter, picture, regions };
    if (lane !== null) request.laneTo?.postMessage(lane);
    const { memoryUse = null, diskUse = null } = 'memoryUse' in interpreter ? interpreter : {};
    const usedBytes = memoryUse?.memoryBytes ?? 0;
    const { ringDegree, moduli, specialModuli } = verified.resultParameters;
    return {
      ...{ picture, regions, isShared: lane !== null, usedBytes, diskUse },
      ...{ places: answerPlaces(verified), answerRing: { ringDegree, moduli, specialModuli } },
    };
  } catch (error) {
    if (error instanceof BlindsightError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new BlindsightError('BUNDLE_PROGRAM', message, { cause: error });
  }
}

function join({ program, laneFrom, threads }: JoinRequest): null {
  const { message: lane } = receiveMessageOnPort(laneFrom) as { readonly message: SharedLane };
  loaded = { interpreter: createSecondLane(lane, threads), ...program };
  return null;
}

/** Nothing of the picture or the seed is left here afterwards. */
function run({ picture, seed, threads }: Extract<WorkerRequest, { type: 'run' }>): RunResult {
  if (loaded === null) throw new Error('no program is loaded');
  const values = pictureInputs(picture, loaded.picture, loaded.regions);
  try {
    return loaded.interpreter.run(values, seed ?? undefined, threads);
  } finally {
    for (const secret of [values, picture, seed]) secret?.fill(0);
  }
}

async function serve(
  request: WorkerRequest,
  onProgress: (progress: OpenProgress) => void,
): Promise<Answer<WorkerReply>> {
  switch (request.type) {
    case 'open':
      return { result: await open(request, onProgress) };
    case 'join':
      return { result: join(request) };
    case 'run': {
      const { ciphertext, timings } = run(request);
      const bytes = new Uint8Array(ciphertext); // A copy: the original may be a view into wasm memory.
      return { result: { ciphertext: bytes, timings }, transfer: [bytes.buffer] };
    }
    case 'close':
      await loaded?.interpreter.close();
      return { result: null };
    default:
      return assertNever(request);
  }
}

serveTasks((task, onProgress) => serve(task as WorkerRequest, onProgress));
