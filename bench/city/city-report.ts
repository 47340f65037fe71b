import type { CityCosts, CityPlan } from './city-plan.ts';

/** Milliseconds from an answer in the hand of its gateway to the transaction that stores its result. */
type Latency = { readonly median: number; readonly p95: number; readonly p99: number };

/** What the other gateways have when one of them floods. */
export type FloodReport = {
  /** Messages a second that it was to send, half of them garbage. */
  readonly perSecond: number;
  /** Messages that it got rid of. */
  readonly sent: number;
  /** Answers of the others, offered meanwhile. */
  readonly offered: number;
  readonly lost: number;
  readonly latencyMs: Latency;
  /** 99 % of the answers of the others, divided by what it is without the flood. */
  readonly timesP99: number;
};

/** What a site on this machine makes of many gateways. */
export type CityReport = CityCosts & {
  readonly machine: string;
  readonly commit: string;
  readonly network: string;
  readonly broker: string;
  readonly store: string;
  readonly queue: string;
  /** Processes beside the one with the other roles; 0: one process of the backend. */
  readonly decryptors: number;
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
  readonly latencyMs: Latency;
  /** Only where a flood was asked for. */
  readonly flood?: FloodReport;
  readonly memoryMegabytes: { readonly broker: number; readonly backend: number };
  /** From a broker that takes connections again, all at once, to the last gateway that may send. */
  readonly connectSeconds: number;
  readonly plan: readonly CityPlan[];
};
