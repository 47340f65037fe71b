import { parentPort } from 'node:worker_threads';
import type { WorkerReply, WorkerRequest } from '#agent/inference/worker-messages.ts';

/** An interpreter's thread that opens and then computes for ever. */
parentPort?.on('message', (request: WorkerRequest) => {
  const picture = { channels: 1, height: 8, width: 8 } as const;
  if (request.type === 'open') {
    parentPort?.postMessage({ type: 'opened', picture, regions: 1, memoryBytes: 0 } satisfies WorkerReply);
  } else for (;;) Math.random();
});
