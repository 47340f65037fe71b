import { randomBytes } from 'node:crypto';
import type { ProtectedNetwork, ProtectProgress, ProtectTask } from '#backend/protection/protect-task.ts';
import { TaskThread } from '#runtime/threads/task-thread.ts';

/** A bundled network under fresh keys, protected as `blindsight model protect` does. */
export async function protectBundled(
  zoo: string,
  regions: number,
  { onProgress, signal }: { onProgress: (share: number) => void; signal?: AbortSignal },
): Promise<ProtectedNetwork> {
  const thread = new TaskThread(
    'protect',
    new URL('../backend/protection/protect-thread.ts', import.meta.url),
  );
  const task: ProtectTask = { name: zoo, source: { zoo }, regions, fingerprint: randomBytes(32) };
  try {
    return await thread.run<ProtectedNetwork>(task, {
      onProgress: (progress) => onProgress((progress as ProtectProgress).fraction),
      ...(signal && { signal }),
    });
  } finally {
    await thread.close();
  }
}
