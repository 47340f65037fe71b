import type { Logger } from '#runtime/log.ts';
import { type GatewayIdentity, SimulatedGateway } from './simulated-gateway.ts';

/** Gateways that are started at a time: each writes its session to the disk. */
const STARTED_AT_ONCE = 16;
const LOOK_MS = 50;
const REMIND_MS = 1000;

/** All simulated gateways of a city. */
export class Fleet {
  readonly gateways: readonly SimulatedGateway[];

  readonly #reminder = setInterval(() => {
    for (const gateway of this.gateways) gateway.remind();
  }, REMIND_MS);

  private constructor(gateways: readonly SimulatedGateway[]) {
    this.gateways = gateways;
  }

  static async start(identities: readonly GatewayIdentity[], url: string, log: Logger): Promise<Fleet> {
    const gateways: SimulatedGateway[] = [];
    for (let from = 0; from < identities.length; from += STARTED_AT_ONCE) {
      const some = identities.slice(from, from + STARTED_AT_ONCE);
      gateways.push(...(await Promise.all(some.map((one) => SimulatedGateway.start(one, url, log)))));
    }
    return new Fleet(gateways);
  }

  get live(): number {
    return this.gateways.filter(({ isLive }) => isLive).length;
  }

  /** How many answers have no receipt. */
  get waiting(): number {
    return this.gateways.reduce((sum, { waiting }) => sum + waiting, 0);
  }

  /**
   * Each gateway offers answers at a rate, from a moment of its own within the first interval on.
   *
   * @param rate answers a second and gateway
   * @param onProgress told the share of the time that is over
   */
  async offer(
    answers: readonly Uint8Array[],
    { rate, seconds }: { readonly rate: number; readonly seconds: number },
    signal: AbortSignal,
    onProgress: (share: number) => void,
  ): Promise<void> {
    const begunMs = performance.now();
    const everyMs = 1000 / rate;
    const phase = everyMs / this.gateways.length;
    const due = this.gateways.map((_, i) => begunMs + i * phase);
    const endMs = begunMs + 1000 * seconds;
    let turn = 0;
    while (performance.now() < endMs) {
      signal.throwIfAborted();
      for (const [i, gateway] of this.gateways.entries()) {
        if (due[i]! > performance.now() || due[i]! >= endMs) continue;
        due[i]! += everyMs;
        gateway.offer(answers[turn++ % answers.length]!);
      }
      onProgress((performance.now() - begunMs) / (1000 * seconds));
      await new Promise((resolve) => setTimeout(resolve, Math.min(5, phase)));
    }
  }

  /** Waits until all of them are, or `seconds` are over. @returns how many seconds it took */
  async untilLive(seconds: number, signal: AbortSignal): Promise<number> {
    const begunMs = performance.now();
    while (this.live < this.gateways.length && performance.now() - begunMs < 1000 * seconds) {
      signal.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    return (performance.now() - begunMs) / 1000;
  }

  async close(): Promise<void> {
    clearInterval(this.#reminder);
    await Promise.all(this.gateways.map((gateway) => gateway.close()));
  }
}
