/** What one answer costs. */
export type CityCosts = {
  /**
   * Processor seconds for a thousand answers. `decrypt`: the threads that hold keys. `verify`: signature and decoding, timed by themselves. `store`: all else of the backend, and the processes of its database:
   * results, history, events, the page and what it sends back included.
   */
  readonly cpuSecondsPerThousand: {
    readonly broker: number;
    readonly verify: number;
    readonly decrypt: number;
    readonly store: number;
  };
  /** Of the message with an answer: topic and envelope. */
  readonly bytesPerAnswer: number;
  /** By which the store grows. */
  readonly diskBytesPerAnswer: number;
};

/** What a city of so many gateways needs, by the costs of one answer that were measured. */
export type CityPlan = {
  readonly gateways: number;
  /** Answers a second and gateway. */
  readonly rate: number;
  /** Cores that are busy, by what they do. */
  readonly cores: CityCosts['cpuSecondsPerThousand'];
  /** Machines like this one, of which a share of {@link BUSY_SHARE} is used. */
  readonly machines: number;
  /** Into the broker; as much leaves it for the backend. */
  readonly networkMegabytesPerSecond: number;
  readonly diskGigabytesPerDay: number;
};

/** The rest is for what comes in bursts, for a machine that is lost, and for the page. */
const BUSY_SHARE = 0.6;
const SIZES = [1000, 10_000, 100_000];
const DAY_SECONDS = 86_400;

/** @param cores of this machine */
export function planCity(costs: CityCosts, cores: number, rate = 1): readonly CityPlan[] {
  return SIZES.map((gateways) => {
    const thousands = (gateways * rate) / 1000;
    const { broker, verify, decrypt, store } = costs.cpuSecondsPerThousand;
    const busy = {
      broker: broker * thousands,
      verify: verify * thousands,
      decrypt: decrypt * thousands,
      store: store * thousands,
    };
    const all = busy.broker + busy.verify + busy.decrypt + busy.store;
    return {
      ...{ gateways, rate, cores: busy },
      machines: Math.max(1, Math.ceil(all / (cores * BUSY_SHARE))),
      networkMegabytesPerSecond: (gateways * rate * costs.bytesPerAnswer) / 1e6,
      diskGigabytesPerDay: (gateways * rate * costs.diskBytesPerAnswer * DAY_SECONDS) / 1e9,
    };
  });
}
