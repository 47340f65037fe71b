import { PushedSettings } from '#config/schema.ts';
import { validateConfig } from '#config/validate.ts';
import { decodeConfiguration } from '#protocol/configuration.ts';
import type { PushedVersion, PushedVersions } from '../store/configurations.ts';
import type { Store } from '../store/store.ts';

/** Clocks of gateways may differ from ours by less. */
const CLOCK_MS = 120_000;
/** Settings that are kept in memory; others are read again. */
const MAX_SETTINGS = 1024;

/** Of one camera: pictures a second, and how many regions it names; 1 for its entire picture. */
export type CameraRate = { readonly perSecond: number; readonly regions: number };

/** What a camera may have been set to at some time. */
export type KnownRates = {
  readonly rates: readonly CameraRate[];
  /** Whether its gateway may have run a file of its own then, whose rates are not known here. */
  readonly mayRunFile: boolean;
};

type Settings = ReadonlyMap<string, CameraRate>;

/** How often cameras may answer by the settings that their owner has pushed to their gateways. */
export class AnswerRates {
  readonly #store: Pick<Store, 'configurations'>;
  /** By gateway and version, which never changes; least recently used first. */
  readonly #settings = new Map<string, Settings>();

  constructor(store: Pick<Store, 'configurations'>) {
    this.#store = store;
  }

  /**
   * What a camera may have been set to at some time: by every version that its gateway may have run then. While one is on its way, the one before counts, too; one
   * that the gateway reports as rejected never ran.
   *
   * @param pushed to the gateway
   * @param span when the pictures were taken, as their gateway dates them
   */
  async ratesOf(
    { versions, runsFile }: PushedVersions,
    gateway: string,
    camera: string,
    { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
  ): Promise<KnownRates> {
    const rates: CameraRate[] = [];
    for (const version of versions) {
      const { status, createdMs, updatedMs } = version;
      if (status === 'rejected' || createdMs - CLOCK_MS > toMs) continue;
      const rate = (await this.#settingsOf(gateway, version)).get(camera);
      if (rate !== undefined) rates.push(rate);
      if (status === 'applied' && updatedMs + CLOCK_MS <= fromMs) return { rates, mayRunFile: runsFile };
    }
    return { rates, mayRunFile: true };
  }

  async #settingsOf(gateway: string, { version }: PushedVersion): Promise<Settings> {
    const key = `${gateway} ${version}`;
    const known = this.#settings.get(key) ?? (await this.#read(gateway, version));
    this.#settings.delete(key);
    this.#settings.set(key, known);
    if (this.#settings.size > MAX_SETTINGS) this.#settings.delete(this.#settings.keys().next().value!);
    return known;
  }

  async #read(gateway: string, version: number): Promise<Settings> {
    const record = await this.#store.configurations.get(gateway, version);
    if (record === null) return new Map();
    const { settings } = decodeConfiguration(record.wire).configuration;
    const { cameras } = validateConfig(settings, PushedSettings, `version ${version}`).value;
    return new Map(
      cameras.map(({ name, rate, regions }) => [name, { perSecond: rate, regions: regions?.length ?? 1 }]),
    );
  }
}
