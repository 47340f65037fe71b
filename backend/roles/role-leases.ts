import { BlindsightError } from '#protocol/errors.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import type { LeaseStore } from '../store/leases.ts';
import type { BackendRole } from './backend-roles.ts';
import { LEASE_MS, RENEW_MS } from './lease-times.ts';

export type RoleLeasesOptions = {
  readonly leases: LeaseStore;
  /** Name of this process, which no other one has. */
  readonly holder: string;
  /** Those of which one process works at a time. */
  readonly roles: readonly BackendRole[];
  readonly clock: Clock;
  readonly log: Logger;
};

const ROLE = 'role/';

/** The roles of which a site has one working process at a time. Whoever is started besides it stands by and takes over when it ends. */
export class RoleLeases {
  readonly #options: RoleLeasesOptions;
  readonly #names: readonly string[];

  constructor(options: RoleLeasesOptions) {
    this.#options = options;
    // In one order: two processes with several roles do not wait for each other for ever.
    this.#names = options.roles.map((role) => ROLE + role).sort();
  }

  /**
   * Waits until all roles are this process's.
   *
   * @param onStandby called each time that another process was found to have one
   * @returns false where the signal aborted first
   */
  async take(signal: AbortSignal, onStandby: () => void): Promise<boolean> {
    const { leases, clock, log } = this.#options;
    await leases.make(this.#names);
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      const missing = await this.#missing();
      if (missing === null) return true;
      if (isFirst)
        log.info({ role: missing.slice(ROLE.length) }, 'another process has this role; standing by');
      onStandby();
      await clock.sleep(RENEW_MS, signal).catch(() => {});
    }
    await this.leave();
    return false;
  }

  /** Takes all of them or none: who stands by keeps nobody from working. @returns one that another process has */
  async #missing(): Promise<string | null> {
    const { leases, holder } = this.#options;
    for (const name of this.#names)
      if (!(await leases.take(name, holder, LEASE_MS))) {
        await this.leave();
        return name;
      }
    return null;
  }

  /**
   * Prolongs them until the signal aborts. While the store does not answer nobody can take them either.
   *
   * @param onLost called where another process has taken one: this one has to end at once
   */
  async run(signal: AbortSignal, onLost: (error: BlindsightError) => void): Promise<void> {
    const { leases, holder, clock, log } = this.#options;
    while (!signal.aborted) {
      try {
        const held = new Set(await leases.renew(holder, LEASE_MS));
        const lost = this.#names.find((name) => !held.has(name));
        if (lost !== undefined)
          return onLost(
            new BlindsightError(
              'ROLE_TAKEN_OVER',
              `this process was silent for so long that another one took over as ${lost.slice(ROLE.length)}`,
            ),
          );
      } catch (error) {
        log.warn({ err: error }, 'this process could not say that it lives; another one may take over');
      }
      await clock.sleep(RENEW_MS, signal).catch(() => {});
    }
  }

  async leave(): Promise<void> {
    const { leases, holder } = this.#options;
    for (const name of this.#names) await leases.release(name, holder);
  }
}
