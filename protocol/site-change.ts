import type { CameraView, GatewayView, ListChange, ModelView, SiteChange, SiteState } from './api.ts';

/** By what entries of the long lists are told apart. */
const KEYS = {
  gateways: ({ name }: GatewayView) => name,
  cameras: ({ gateway, camera }: CameraView) => `${gateway}/${camera}`,
  models: ({ name, version }: ModelView) => `${name}/${version}`,
} as const;
type ListName = keyof typeof KEYS;

const isList = (name: string): name is ListName => Object.hasOwn(KEYS, name);

/** Tells of each state what became different: of a site of a thousand gateways that is one of them, most of the time. */
export class SiteChanges {
  /** Of all values but the long lists, by name, as JSON. */
  #values = new Map<string, string>();
  readonly #lists = new Map<ListName, ReadonlyMap<string, string>>();

  /** @returns against the state before: applied to that, it gives this one. `time` is always in it. */
  next(state: SiteState): SiteChange {
    const values = new Map<string, string>();
    const change: Record<string, unknown> = { time: state.time };
    for (const [name, value] of Object.entries(state)) {
      if (isList(name)) {
        const list = this.#list(name, state[name] as readonly never[]);
        if (list !== null) change[name] = list;
        continue;
      }
      if (value === undefined) continue;
      values.set(name, JSON.stringify(value));
      if (this.#values.get(name) !== values.get(name)) change[name] = value;
    }
    for (const name of this.#values.keys()) if (!values.has(name)) change[name] = null;
    this.#values = values;
    return change as SiteChange;
  }

  #list<Entry>(name: ListName, entries: readonly Entry[]): ListChange<Entry> | null {
    const keyOf = KEYS[name] as unknown as (entry: Entry) => string;
    const before = this.#lists.get(name) ?? new Map<string, string>();
    const texts = new Map(entries.map((entry) => [keyOf(entry), JSON.stringify(entry)]));
    this.#lists.set(name, texts);
    const changed = entries.filter((entry) => before.get(keyOf(entry)) !== texts.get(keyOf(entry)));
    const keys = [...texts.keys()];
    const isSame = keys.length === before.size && [...before.keys()].every((key, i) => key === keys[i]);
    if (isSame && changed.length === 0) return null;
    return isSame ? { changed } : { changed, keys };
  }
}

/** The state after a change: entries that did not change are the same objects. */
export function applySiteChange(state: SiteState, change: SiteChange): SiteState {
  const after: Record<string, unknown> = { ...state };
  for (const [name, value] of Object.entries(change)) {
    if (value === null) delete after[name];
    else if (isList(name)) after[name] = applyList(name, state[name] as never, value as never);
    else after[name] = value;
  }
  return after as SiteState;
}

function applyList<Entry>(
  name: ListName,
  before: readonly Entry[],
  { changed, keys }: ListChange<Entry>,
): readonly Entry[] {
  const keyOf = KEYS[name] as unknown as (entry: Entry) => string;
  const all = new Map([...before, ...changed].map((entry) => [keyOf(entry), entry]));
  return (keys ?? before.map(keyOf)).flatMap((key) => all.get(key) ?? []);
}
