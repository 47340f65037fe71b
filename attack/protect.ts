import { randomBytes } from 'node:crypto';
import type { ProtectedNetwork } from '#backend/protection/protect-task.ts';
import { ProtectingThread } from '#backend/protection/protecting-thread.ts';

/** A bundled network under fresh keys, protected as `blindsight model protect` does. */
export async function protectBundled(
  zoo: string,
  regions: number,
  { onProgress, signal }: { onProgress: (share: number) => void; signal?: AbortSignal },
): Promise<ProtectedNetwork> {
  const options = {
    onProgress: ({ fraction }: { fraction: number }) => onProgress(fraction),
    ...(signal && { signal }),
  };
  const thread = new ProtectingThread();
  try {
    await thread.read({ name: zoo, source: { zoo }, regions }, options);
    return await thread.protect(randomBytes(32), 'both', options);
  } finally {
    await thread.close();
  }
}
