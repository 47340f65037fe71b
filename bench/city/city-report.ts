import type { CityCosts, CityPlan } from './city-plan.ts';

/** What a site on this machine makes of many gateways. */
export type CityReport = CityCosts & {
  readonly machine: string;
  readonly commit: string;
  readonly network: string;
  readonly broker: string;
  readonly store: string;
  readonly gateways: number;
  /** Answers a second and gateway. */
  readonly rate: number;
  readonly seconds: number;
  readonly offered: number;
  /** Of those that were offered. */
  readonly stored: number;
  readonly lost: number;
  /** Settled more than once. */
  readonly twice: number;
  /** From an answer in the hand of its gateway to the transaction that stores its result. */
  readonly latencyMs: { readonly median: number; readonly p95: number; readonly p99: number };
  readonly memoryMegabytes: { readonly broker: number; readonly backend: number };
  /** From a broker that takes connections again, all at once, to the last gateway that may send. */
  readonly connectSeconds: number;
  readonly plan: readonly CityPlan[];
};
