import type { Result } from '#protocol/messages.ts';
import type { SettledAnswer } from '../store/feed.ts';
import type { Store } from '../store/store.ts';

/** Cameras that are followed; of others what holds is read again. */
const MAX_CAMERAS = 4096;

type Held = { frameMs: number; readonly results: Map<string, Result> };

/**
 * What an answer says where only changes are let out: what is no news is as it was told last. So an hour in which nothing changed has answers, too, and
 * adds up to how long each label held.
 */
export class HeldEvents {
  readonly #cameras = new Map<string, Held>();

  /** The results of an answer, and those of its camera that go on holding. */
  async resultsOf(inside: Pick<Store, 'results'>, answer: SettledAnswer): Promise<readonly Result[]> {
    const { camera, results, withheld, frameMs, model, version } = answer;
    if (withheld !== null) return [];
    if (results.some(({ output }) => output !== 'event')) {
      this.#cameras.delete(camera);
      return results;
    }
    const known = this.#cameras.get(camera);
    // One that comes late follows on what held then.
    const isLate = known !== undefined && frameMs < known.frameMs;
    const held = isLate || known === undefined ? await read(inside, camera, frameMs) : known;
    for (const result of results) {
      const region = result.region ?? '';
      for (const other of held.results.keys())
        if ((other === '') !== (region === '')) held.results.delete(other);
      held.results.set(region, result);
    }
    held.frameMs = frameMs;
    if (!isLate) this.#remember(camera, held);
    return [...held.results.values()].filter((one) => one.model === model && one.modelVersion === version);
  }

  /** What was told before counts no more. */
  forget(): void {
    this.#cameras.clear();
  }

  #remember(camera: string, held: Held): void {
    if (this.#cameras.size >= MAX_CAMERAS) this.#cameras.clear();
    this.#cameras.set(camera, held);
  }
}

async function read({ results }: Pick<Store, 'results'>, camera: string, frameMs: number): Promise<Held> {
  const whole = await results.latest(camera, frameMs);
  const regions = await results.latestRegions(camera, frameMs);
  const newest = Math.max(...regions.map(({ frameTime }) => Date.parse(frameTime)));
  const present = whole !== null && !(newest > Date.parse(whole.frameTime)) ? [whole] : regions;
  const held = present.filter(({ output }) => output === 'event');
  return { frameMs, results: new Map(held.map((result) => [result.region ?? '', result])) };
}
