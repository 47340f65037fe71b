import { type LeakKey, LeakStore, type LeakSum } from './leaks.ts';

type Sum = { -readonly [K in keyof LeakSum]: LeakSum[K] };

/** What answers told, added up and written at the end of a transaction. */
export class LateLeaks extends LeakStore {
  readonly #sums = new Map<string, Sum>();

  override async add(
    key: LeakKey,
    share: number,
    { bits, most, answers = 1 }: { bits: number; most: number; answers?: number },
  ): Promise<void> {
    const { gateway, model, version, number } = key;
    const place = [gateway, model, version, number, share].join('/');
    const sum = this.#sums.get(place) ?? {
      ...{ gateway, model, version, number, share },
      ...{ answers: 0, telling: 0, bits: 0, most: 0 },
    };
    sum.answers += answers;
    sum.telling += bits > 0 ? answers : 0;
    sum.bits += bits;
    sum.most = Math.max(sum.most, most);
    this.#sums.set(place, sum);
  }

  async write(): Promise<void> {
    await this.addSums([...this.#sums.values()]);
    this.#sums.clear();
  }
}
