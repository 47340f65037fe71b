import { answerWords } from '#protocol/answer-words.ts';
import type { Result } from '#protocol/messages.ts';
import { MAX_REGIONS } from '#protocol/names.ts';
import type { Store } from '../store/store.ts';

/** A label that holds since a picture, as far as was told. */
type Told = { readonly label: string; readonly frameMs: number };

/** The newest labels in the order of their pictures. */
type Track = { newestMs: number; labels: string[] };

/** Of one picture or region. Answers that waited in an outbox come beside the present ones, so they are counted apart. */
type State = { told: Told | null; lateTold: Told | null; readonly present: Track; readonly late: Track };

type Camera = { readonly model: string; readonly regions: Map<string, State> };

/** Cameras that are followed; of others the newest event is read again. */
const MAX_CAMERAS = 4096;

export type SeenLabel = Pick<Result, 'camera' | 'region' | 'model' | 'modelVersion' | 'historical'> & {
  /** See {@link answerWords}. */
  readonly label: string;
  readonly frameMs: number;
};

/**
 * Which labels are news: a label is once it is `equal` of the latest `2 · equal − 1` of its camera or region, and another one than was told. What is not news is
 * kept here only, in memory, and only to count: after a restart counting starts over, from the event that was told last.
 */
export class LabelEvents {
  readonly #results: Pick<Store['results'], 'latest' | 'latestRegions'>;
  /** Least recently used first. */
  readonly #cameras = new Map<string, Camera>();

  constructor({ results }: { readonly results: Pick<Store['results'], 'latest' | 'latestRegions'> }) {
    this.#results = results;
  }

  /** Takes one more label into account. @returns whether it is news. */
  async add(seen: SeenLabel, equal: number): Promise<boolean> {
    const { label, frameMs, historical } = seen;
    const state = await this.#state(seen);
    // Also one that was held here while others went on.
    const isLate = historical || frameMs <= state.present.newestMs;
    const track = isLate ? state.late : state.present;
    if (frameMs <= track.newestMs) return false;
    track.newestMs = frameMs;
    track.labels = [...track.labels, label].slice(1 - 2 * equal);
    if (track.labels.filter((one) => one === label).length < equal) return false;
    if (label === toldBefore(state, isLate, frameMs)?.label) return false;
    const told = { label, frameMs };
    if (isLate) state.lateTold = told;
    // What came late and is newer than the last event is what the page shows, so the present is compared with it.
    if (frameMs >= (state.told?.frameMs ?? 0)) state.told = told;
    return true;
  }

  /** What of a camera was told last does not count any more, because other answers were given out since. */
  forget(camera: string): void {
    this.#cameras.delete(camera);
  }

  async #state(seen: SeenLabel): Promise<State> {
    const { region = '' } = seen;
    const { regions } = this.#camera(seen);
    const known = regions.get(region);
    if (known !== undefined) return known;
    const state: State = {
      told: await this.#lastTold(seen),
      lateTold: null,
      present: { newestMs: Number.NEGATIVE_INFINITY, labels: [] },
      late: { newestMs: Number.NEGATIVE_INFINITY, labels: [] },
    };
    regions.set(region, state);
    // A gateway that invents names must not fill the memory.
    if (regions.size > MAX_REGIONS + 1) regions.delete([...regions.keys()][0]!);
    return state;
  }

  #camera({ camera, model, modelVersion }: SeenLabel): Camera {
    const name = `${model}/${modelVersion}`;
    const known = this.#cameras.get(camera);
    const found = known?.model === name ? known : { model: name, regions: new Map<string, State>() };
    this.#cameras.delete(camera);
    this.#cameras.set(camera, found);
    if (this.#cameras.size > MAX_CAMERAS) this.#cameras.delete([...this.#cameras.keys()][0]!);
    return found;
  }

  async #lastTold({ camera, region, model, modelVersion }: SeenLabel): Promise<Told | null> {
    const last =
      region === undefined
        ? await this.#results.latest(camera)
        : (await this.#results.latestRegions(camera)).find((one) => one.region === region);
    if (last?.output !== 'event' || last.model !== model || last.modelVersion !== modelVersion) return null;
    return { label: answerWords(last), frameMs: Date.parse(last.frameTime) };
  }
}

/** The newest event that a picture can follow on. */
function toldBefore({ told, lateTold }: State, isLate: boolean, frameMs: number): Told | null {
  if (!isLate) return told;
  const before = [told, lateTold].filter((one) => one !== null && one.frameMs <= frameMs);
  return before.reduce(
    (newest, one) => (newest === null || one!.frameMs > newest.frameMs ? one : newest),
    null,
  );
}
