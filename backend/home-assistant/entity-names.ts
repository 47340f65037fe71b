/** How the entities of a device are called. */
export class EntityNames {
  /** Of the device in Home Assistant, and of its topic. */
  readonly id: string;
  readonly #name: string;
  readonly #taken = new Set<string>();

  /** @param name of the camera, gateway or site */
  constructor(site: string, kind: 'camera' | 'gateway' | 'site', name: string) {
    this.id = deviceId(site, kind, name);
    this.#name = name;
  }

  /**
   * The names of one entity. They stay the same over restarts, releases and new orders of labels, or Home Assistant would take it for another one.
   *
   * @param parts what sets it apart from the others of the device; texts of any kind
   * @param shown as people should find it among all entities; by default `parts`
   */
  of(
    platform: string,
    parts: readonly string[],
    shown: readonly string[] = parts,
  ): { readonly key: string; readonly unique_id: string; readonly default_entity_id: string } {
    // Slugs have no two underscores in a row.
    const wanted = parts.map(slug).join('__');
    let key = wanted;
    for (let number = 2; this.#taken.has(key); number++) key = `${wanted}__${number}`;
    this.#taken.add(key);
    return {
      key,
      unique_id: `${this.id}__${key}`,
      default_entity_id: `${platform}.${[this.#name, ...shown].map(slug).join('_')}`,
    };
  }
}

/** What all devices of a site begin with; names have no underscores. */
export function devicePrefix(site: string): string {
  return `blindsight_${site}_`;
}

function deviceId(site: string, kind: string, name: string): string {
  return `${devicePrefix(site)}${kind}_${name}`;
}

function slug(text: string): string {
  const kept = text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_|_$/g, '');
  return kept === '' ? 'label' : kept;
}
