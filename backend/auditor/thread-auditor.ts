import { TaskThread } from '#runtime/threads/task-thread.ts';
import type { AuditJob, AuditOutcome, AuditTask } from './audit-task.ts';

export type ThreadAuditorOptions = {
  /** @returns fresh copies of the private keys, PKCS #8 DER, which are wiped here */
  readonly keys: () => Promise<readonly Uint8Array[]>;
  /** Folder of bundle parts, named by their digests. */
  readonly parts: string;
};

/** Loading a network of a gigabyte and running it on one slow core takes minutes; for each answer that was gathered. */
const TIMEOUT_MS = 1_800_000;

/** Audits answers in a thread of its own, one at a time. */
export class ThreadAuditor {
  readonly #options: ThreadAuditorOptions;
  readonly #thread = new TaskThread('auditor', new URL('./auditor-thread.ts', import.meta.url));
  /** Generation of the thread that has the keys. */
  #opened = 0;

  constructor(options: ThreadAuditorOptions) {
    this.#options = options;
  }

  /** @throws whatever keeps us from judging, which is never the gateway's fault */
  async audit(job: AuditJob): Promise<AuditOutcome> {
    this.#thread.start();
    if (this.#opened !== this.#thread.generation) await this.#open();
    return this.#thread.run<AuditOutcome>({ kind: 'audit', job } satisfies AuditTask, {
      timeoutMs: TIMEOUT_MS * (1 + (job.place.later?.length ?? 0)),
    });
  }

  async #open(): Promise<void> {
    const { generation } = this.#thread;
    const keys = (await this.#options.keys()).map(owned);
    const task: AuditTask = { kind: 'open', keys, parts: this.#options.parts };
    await this.#thread.run(task, { transfer: keys.map(({ buffer }) => buffer) });
    this.#opened = generation;
  }

  close(): Promise<void> {
    return this.#thread.close();
  }
}

/** Moves bytes into a buffer of their own, so that it can be transferred, and wipes where they were. */
function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = Uint8Array.from(bytes);
  bytes.fill(0);
  return copy;
}
