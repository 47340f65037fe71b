/** Shares and counts are added up in these units, as whole numbers: no sum depends on the order in which answers came. */
const UNIT = 10_000;

/** What the answers of one time slot told about one label. A label that an answer did not name was 0 in it. */
export type LabelRollUp = {
  /** Of its probabilities or counts. */
  readonly sum: number;
  readonly least: number;
  readonly most: number;
  /** In how many answers it held: was the label of a classification, was among the labels, was counted at least once. */
  readonly held: number;
};

const NOTHING: LabelRollUp = { sum: 0, least: 0, most: 0, held: 0 };

/** The answers of one time slot, added up. */
export class RollUp {
  #answers = 0;
  /** By the index of the label; in units. Where one is missing, it was 0 in all answers. */
  #labels: LabelRollUp[] = [];

  get answers(): number {
    return this.#answers;
  }

  /** @param index of the label in its line */
  label(index: number): LabelRollUp {
    const { sum, least, most, held } = this.#labels[index] ?? NOTHING;
    return { sum: sum / UNIT, least: least / UNIT, most: most / UNIT, held };
  }

  /** Adds an answer. @param told by the index of the label: its probability or count, and whether it held */
  add(told: ReadonlyMap<number, { readonly value: number; readonly held: boolean }>): void {
    const labels: LabelRollUp[] = [];
    for (const [index, { value, held }] of told) {
      const units = Math.round(value * UNIT);
      labels[index] = { sum: units, least: units, most: units, held: held ? 1 : 0 };
    }
    this.#merge(1, labels);
  }

  /** Adds the answers of another one of the same line. @param indices where its labels are here, if somewhere else */
  merge(other: RollUp, indices?: readonly number[]): void {
    const labels: LabelRollUp[] = [];
    for (const [index, label] of other.#labels.entries())
      if (label !== undefined) labels[indices?.[index] ?? index] = label;
    this.#merge(other.#answers, labels);
  }

  #merge(answers: number, labels: readonly LabelRollUp[]): void {
    const isFirst = this.#answers === 0;
    for (let index = 0; index < Math.max(labels.length, this.#labels.length); index++) {
      const one = this.#labels[index] ?? NOTHING;
      const other = labels[index] ?? NOTHING;
      this.#labels[index] = {
        sum: one.sum + other.sum,
        least: isFirst ? other.least : Math.min(one.least, other.least),
        most: Math.max(one.most, other.most),
        held: one.held + other.held,
      };
    }
    this.#answers += answers;
  }

  /** A few bytes: numbers of seven bits each, least first; labels that were 0 throughout take none. */
  pack(): Uint8Array {
    const bytes: number[] = [];
    const write = (value: number) => {
      let rest = value;
      for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
      bytes.push(rest);
    };
    write(this.#answers);
    for (const [index, { sum, least, most, held }] of this.#labels.entries()) {
      if (most === 0 && held === 0) continue;
      for (const value of [index, sum, least, most, held]) write(value);
    }
    return Uint8Array.from(bytes);
  }

  static unpack(bytes: Uint8Array): RollUp {
    let at = 0;
    const read = (): number => {
      let value = 0;
      for (let scale = 1; ; scale *= 128) {
        const byte = bytes[at++] ?? 0;
        value += (byte & 127) * scale;
        if (byte < 128) return value;
      }
    };
    const made = new RollUp();
    made.#answers = read();
    while (at < bytes.length) {
      const index = read();
      // In the order of the bytes.
      const [sum, least, most, held] = [read(), read(), read(), read()];
      while (made.#labels.length < index) made.#labels.push(NOTHING);
      made.#labels[index] = { sum, least, most, held };
    }
    return made;
  }
}
