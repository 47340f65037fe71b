import { serveTasks } from '#runtime/threads/serve-tasks.ts';
import { openProtector, type Protector } from './protect-network.ts';
import type { ProtectTask } from './protect-task.ts';

/** The network that this thread was given. */
let protector: Protector | null = null;

serveTasks(async (message, onProgress) => {
  const task = message as ProtectTask;
  if (task.type === 'read') {
    onProgress({ step: 'compiling the network to a ciphertext program', fraction: 0 });
    protector = await openProtector(task);
    return { result: null };
  }
  if (protector === null) throw new Error('no network was read');
  const { fingerprint, interpreters } = task;
  const result = await protector({ fingerprint, interpreters, onProgress });
  fingerprint.fill(0);
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
