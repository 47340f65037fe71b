import { assertNever, type Interpreter } from '#fhe';
import { BlindsightError } from '#protocol/errors.ts';
import { type Answer, serveTasks } from '#runtime/threads/serve-tasks.ts';
import { loadBundle } from './load-bundle.ts';
import type { OpenRequest, WorkerReply, WorkerRequest } from './worker-messages.ts';

/** The interpreter that this thread holds. */
let interpreter: Interpreter | null = null;

async function open(request: OpenRequest): Promise<WorkerReply> {
  try {
    const { interpreter: loaded, verified } = await loadBundle(request);
    interpreter = loaded;
    const { picture, regions = 1 } = verified.program;
    return { picture, regions };
  } catch (error) {
    if (error instanceof BlindsightError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new BlindsightError('BUNDLE_PROGRAM', message, { cause: error });
  }
}

async function serve(request: WorkerRequest): Promise<Answer<WorkerReply>> {
  switch (request.type) {
    case 'open':
      return { result: await open(request) };
    case 'run': {
      if (interpreter === null) throw new Error('no program is loaded');
      const { ciphertext, timings } = interpreter.run(request.values);
      const bytes = new Uint8Array(ciphertext); // A copy: the original may be a view into wasm memory.
      return { result: { ciphertext: bytes, timings }, transfer: [bytes.buffer] };
    }
    case 'close':
      await interpreter?.close();
      return { result: null };
    default:
      return assertNever(request);
  }
}

serveTasks((task) => serve(task as WorkerRequest));
