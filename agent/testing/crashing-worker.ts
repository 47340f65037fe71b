import type { WorkerReply, WorkerRequest } from '#agent/inference/worker-messages.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { type Answer, serveTasks } from '#runtime/threads/serve-tasks.ts';

/** An interpreter's thread that dies over every dark picture, reads no disk for one that is nearly dark, and answers all others with their first value. */
serveTasks(async (task): Promise<Answer<WorkerReply>> => {
  const request = task as WorkerRequest;
  const picture = { channels: 1, height: 8, width: 8 } as const;
  const answerRing = { ringDegree: 2048, moduli: [], specialModuli: [] };
  if (request.type === 'open')
    return {
      result: { picture, regions: 1, isShared: false, usedBytes: 0, diskUse: null, places: 1, answerRing },
    };
  if (request.type !== 'run') return { result: null };
  if (request.picture[0] === 1) throw new BlindsightError('FHE_DISK', 'the disk is gone');
  if (request.picture[0] === 0) {
    setImmediate(() => {
      throw new Error('out of memory');
    });
    return new Promise(() => {});
  }
  const ciphertext = Uint8Array.of(Math.round((request.picture[0]! / 255) * 100));
  return { result: { ciphertext, timings: { encryptMs: 1, evaluateMs: 1 } } };
});
