import { join } from 'node:path';
import { rolesOf } from '#backend/roles/backend-roles.ts';
import { DaemonProcess } from '#demo/daemon-process.ts';
import { processorMs, residentBytes, threadsMs } from '../processor-time.ts';
import type { CityStoreKind } from './city-store.ts';

/** The backend of a city: one process, or one beside decryptors. */
export class CityBackend {
  /** Of the process that has the API. */
  readonly logFile: string;
  readonly #processes: readonly DaemonProcess[];

  /**
   * @param decryptors processes beside the one with the other roles; 0 for one process with all of them
   * @throws BlindsightError ROLES_NEED_POSTGRESQL
   */
  constructor(
    config: string,
    folder: string,
    { decryptors = 0, store }: { readonly decryptors?: number | undefined; readonly store: CityStoreKind },
    onExit: (text: string) => void,
  ) {
    if (decryptors > 0) rolesOf(['decryptor'], store, 'thread');
    const make = (name: string, roles: readonly string[]) =>
      new DaemonProcess(
        'backend',
        config,
        join(folder, `${name}.log`),
        onExit,
        roles.flatMap((role) => ['--role', role]),
      );
    this.logFile = join(folder, 'backend.log');
    this.#processes = [
      make('backend', decryptors === 0 ? [] : ['api', 'deployer', 'auditor']),
      ...Array.from({ length: decryptors }, (_, i) => make(`decryptor-${i}`, ['decryptor'])),
    ];
  }

  start(): void {
    for (const one of this.#processes) one.start();
  }

  /** Processor time of all processes so far, ms. */
  processorMs(): number {
    return this.#sum(processorMs);
  }

  /** That of their threads that decrypt. */
  decryptMs(): number {
    return this.#sum((pid) => threadsMs(pid, 'decrypt'));
  }

  residentBytes(): number {
    return this.#sum(residentBytes);
  }

  #sum(of: (pid: number | undefined) => number): number {
    return this.#processes.reduce((sum, { pid }) => sum + of(pid), 0);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((one) => one.stop()));
  }
}
