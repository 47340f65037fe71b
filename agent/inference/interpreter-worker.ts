import { parentPort } from 'node:worker_threads';
import type { Interpreter } from '#fhe';
import { assertNever } from '#fhe';
import { BlindsightError } from '#protocol/errors.ts';
import { loadBundle } from './load-bundle.ts';
import type { WorkerReply, WorkerRequest } from './worker-messages.ts';

/** The thread that holds one interpreter. Requests are served one after the other, in order. */
const port = parentPort;
if (port === null) throw new Error('interpreter-worker.ts runs as a worker thread only');

let interpreter: Interpreter | null = null;

function reply(message: WorkerReply, transfer: ArrayBuffer[] = []): void {
  port?.postMessage(message, transfer);
}

async function serve(request: WorkerRequest): Promise<void> {
  switch (request.type) {
    case 'open':
      try {
        const { interpreter: loaded, verified } = await loadBundle(request);
        interpreter = loaded;
        const { picture, regions = 1 } = verified.program;
        reply({ type: 'opened', picture, regions, memoryBytes: verified.memoryBytes });
      } catch (error) {
        const code = error instanceof BlindsightError ? error.code : 'BUNDLE_PROGRAM';
        reply({ type: 'refused', code, message: error instanceof Error ? error.message : String(error) });
      }
      return;
    case 'run':
      try {
        if (interpreter === null) throw new Error('no program is loaded');
        const { ciphertext, timings } = interpreter.run(request.values);
        const bytes = new Uint8Array(ciphertext); // A copy: the original may be a view into wasm memory.
        reply({ type: 'answer', id: request.id, ciphertext: bytes, timings }, [bytes.buffer]);
      } catch (error) {
        reply({
          type: 'failed',
          id: request.id,
          message: error instanceof Error ? error.message : String(error),
        });
      }
      return;
    case 'close':
      await interpreter?.close();
      port?.close();
      return;
    default:
      assertNever(request);
  }
}

let last: Promise<void> = Promise.resolve();
port.on('message', (request: WorkerRequest) => {
  last = last.then(() => serve(request));
});
