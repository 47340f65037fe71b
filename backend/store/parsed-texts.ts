/** Texts that are remembered; those of networks and key sets at work, a few kilobytes each. */
const MAX_TEXTS = 64;

/** Parses texts that are read from the store again and again, each once: what it gives out is shared, so it is never changed. */
export class ParsedTexts<T> {
  readonly #parse: (text: string) => T;
  /** Least recently used first. */
  readonly #parsed = new Map<string, T>();

  /** @param parse a function of the text alone */
  constructor(parse: (text: string) => T) {
    this.#parse = parse;
  }

  /** @throws whatever `parse` throws. */
  get(text: string): T {
    const known = this.#parsed.get(text) ?? this.#parse(text);
    this.#parsed.delete(text);
    this.#parsed.set(text, known);
    if (this.#parsed.size > MAX_TEXTS) this.#parsed.delete(this.#parsed.keys().next().value!);
    return known;
  }
}
