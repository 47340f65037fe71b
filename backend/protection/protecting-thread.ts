import { TaskThread } from '#runtime/threads/task-thread.ts';
import type {
  ProtectedNetwork,
  ProtectProgress,
  ProtectSource,
  ProtectTask,
  SelfTestInterpreters,
} from './protect-task.ts';

export type ProtectingOptions = {
  readonly onProgress?: (progress: ProtectProgress) => void;
  /** Ends the thread: the next task fails. */
  readonly signal?: AbortSignal;
};

/** A thread that has read one network, and protects it as often as it is asked to. */
export class ProtectingThread {
  readonly #thread = new TaskThread('protect', new URL('./protect-thread.ts', import.meta.url));

  /**
   * Reads and compiles a network.
   *
   * @throws BlindsightError MODEL_UNREADABLE, WORKER_FAILED, and the codes of the layers below; the signal's reason.
   */
  async read(source: ProtectSource, options: ProtectingOptions = {}): Promise<void> {
    const transfer = 'onnx' in source.source ? [source.source.onnx.buffer as ArrayBuffer] : [];
    await this.#run({ type: 'read', ...source }, options, transfer);
  }

  /**
   * Makes keys, and encrypts the network under them: seconds to minutes.
   *
   * @throws BlindsightError SELF_TEST_FAILED, WORKER_FAILED, and the codes of the layers below; the signal's reason.
   */
  protect(
    fingerprint: Uint8Array,
    interpreters: SelfTestInterpreters,
    options: ProtectingOptions = {},
  ): Promise<ProtectedNetwork> {
    return this.#run({ type: 'protect', fingerprint, interpreters }, options);
  }

  #run<T>(
    task: ProtectTask,
    { onProgress, signal }: ProtectingOptions,
    transfer: readonly ArrayBuffer[] = [],
  ): Promise<T> {
    return this.#thread.run<T>(task, {
      transfer,
      ...(onProgress && { onProgress: (progress) => onProgress(progress as ProtectProgress) }),
      ...(signal && { signal }),
    });
  }

  /** Ends it, whatever it is doing. */
  close(): Promise<void> {
    return this.#thread.close();
  }
}
