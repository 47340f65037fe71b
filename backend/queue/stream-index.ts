import { type InboxItem, type Passed, turnOf } from '../store/inbox.ts';
import { firstAbove } from './first-above.ts';
import { IdList } from './id-list.ts';

/** What is known of an envelope in the stream without its bytes; its id is its place there. */
export type Head = Omit<InboxItem, 'envelope' | 'attempts'> & { readonly isLate: boolean };

type Line = { readonly current: IdList; readonly late: IdList };

/** Whose turn it is among the envelopes of a stream: what the table of the inbox says by SQL, in memory. */
export class StreamIndex {
  readonly #heads = new Map<number, Head>();
  readonly #lines = new Map<string, Line>();
  #order = this.#list();
  /** In order; null where it has to be made anew. */
  #names: readonly string[] | null = null;

  get size(): number {
    return this.#heads.size;
  }

  has(id: number): boolean {
    return this.#heads.has(id);
  }

  head(id: number): Head | undefined {
    return this.#heads.get(id);
  }

  /** Its id is larger than those before. */
  add(head: Head): void {
    const { id, gateway } = head;
    this.#heads.set(id, head);
    this.#order.add(id);
    let line = this.#lines.get(gateway);
    if (line === undefined) {
      line = { current: this.#list(), late: this.#list() };
      this.#lines.set(gateway, line);
      this.#names = null;
    }
    line[head.isLate ? 'late' : 'current'].add(id);
  }

  remove(id: number): void {
    const head = this.#heads.get(id);
    if (head === undefined) return;
    this.#heads.delete(id);
    this.#order.removed();
    const line = this.#lines.get(head.gateway)!;
    line[head.isLate ? 'late' : 'current'].removed();
    if (line.current.size + line.late.size > 0) return;
    this.#lines.delete(head.gateway);
    this.#names = null;
  }

  /** Forgets those of gateways that are not among these. */
  keepOnly(isMine: (gateway: string) => boolean): void {
    for (const { id, gateway } of [...this.#heads.values()]) if (!isMine(gateway)) this.remove(id);
  }

  clear(): void {
    this.#heads.clear();
    this.#lines.clear();
    this.#order = this.#list();
    this.#names = null;
  }

  marks(afterId: number, limit: number): Head[] {
    return this.#order.after(afterId, limit).map((id) => this.#heads.get(id)!);
  }

  /** Whose turn it is after that of a gateway, and what of its own is passed over once it is taken; see `InboxStore.take`. */
  next(
    turn: string,
    seen: ReadonlyMap<string, Passed>,
    isLeftOut: (gateway: string) => boolean,
  ): { readonly head: Head; readonly passed: Passed } | null {
    this.#names ??= [...this.#lines.keys()].sort();
    const names = this.#names;
    const from = firstAbove(names, turn);
    for (let i = 0; i < names.length; i++) {
      const gateway = names[(from + i) % names.length]!;
      if (isLeftOut(gateway)) continue;
      const line = this.#lines.get(gateway)!;
      const before = seen.get(gateway);
      const [current = null] = line.current.after(before?.current ?? 0, 1);
      const [late = null] = line.late.after(before?.late ?? 0, 1);
      const found = turnOf(before, current, late);
      if (found !== null) return { head: this.#heads.get(found.id)!, passed: found.passed };
    }
    return null;
  }

  #list(): IdList {
    return new IdList((id) => this.#heads.has(id));
  }
}
