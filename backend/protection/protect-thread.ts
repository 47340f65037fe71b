import { serveTasks } from '#runtime/threads/serve-tasks.ts';
import { protectSource } from './protect-network.ts';
import type { ProtectTask } from './protect-task.ts';

serveTasks(async (message, onProgress) => {
  const { name, source, regions, fingerprint } = message as ProtectTask;
  const result = await protectSource(name, source, { regions, fingerprint, onProgress });
  // Moved, not copied: no secret key stays behind in this thread. A view of a larger buffer cannot be moved alone.
  const buffers = [
    result.secretKey,
    result.resultSecretKey,
    ...result.parts.map((part) => part.bytes),
  ].flatMap((bytes) =>
    bytes !== null && bytes.byteLength === bytes.buffer.byteLength ? [bytes.buffer] : [],
  );
  return { result, transfer: [...new Set(buffers)].filter((buffer) => buffer instanceof ArrayBuffer) };
});
