import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import { AuditorKeyKeeper } from './auditor-key-keeper.ts';
import { Challenges, type ChallengesOptions } from './challenges.ts';
import { Openings } from './openings.ts';

export type AuditsOptions = Omit<ChallengesOptions, 'openings' | 'clock'> & {
  /** The data folder. */
  readonly data: string;
  readonly ownerKeys: () => readonly KeyObject[];
  readonly clock: Clock;
  readonly log: Logger;
};

/** Below the data folder: the auditor's key, and what is sealed to it. */
export function auditPaths(data: string) {
  return { key: join(data, 'auditor'), openings: join(data, 'openings') };
}

/** The gateway's side of audits: what is kept of each answer, to whom it is sealed, and who is shown it. */
export class Audits {
  readonly openings: Openings;
  readonly #keeper: AuditorKeyKeeper;
  readonly #challenges: Challenges;

  private constructor(keeper: AuditorKeyKeeper, openings: Openings, challenges: Challenges) {
    this.#keeper = keeper;
    this.openings = openings;
    this.#challenges = challenges;
  }

  static async open(options: AuditsOptions): Promise<Audits> {
    const paths = auditPaths(options.data);
    const keeper = await AuditorKeyKeeper.open({ ...options, path: paths.key });
    const { clock, log } = options;
    const auditorKey = () => keeper.key;
    const openings = await Openings.open({ directory: paths.openings, auditorKey, clock, log });
    return new Audits(keeper, openings, new Challenges({ ...options, openings }));
  }

  get status() {
    return { ...this.openings.status, ...this.#challenges.status };
  }

  /** What came on `auditor`. */
  async receiveKey(wire: Uint8Array): Promise<void> {
    await this.#keeper.receive(wire);
    await this.openings.sealAll();
  }

  /** What came on `command/audit/<id>`. */
  receiveChallenge(id: string, wire: Uint8Array): void {
    this.#challenges.receive(id, wire);
  }

  /** The owner signs with other keys. */
  async trustChanged(): Promise<void> {
    await this.#keeper.trustChanged();
    await this.openings.sealAll();
  }

  /** @param isConnected whether a challenge could come now */
  run(signal: AbortSignal, isConnected: () => boolean): Promise<void> {
    return this.openings.run(signal, isConnected);
  }

  async close(): Promise<void> {
    await this.#challenges.close();
    await this.openings.close();
  }
}
