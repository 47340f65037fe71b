/** Elements of all values of one run together: 2 GiB. Real networks have some ten million for a picture. */
const MOST_ELEMENTS = 2 ** 28;
/** Products that one run may compute: minutes on one core. */
const MOST_PRODUCTS = 2 ** 38;

/** What one run of a network has taken so far: a small file can ask for more memory and time than any machine has. */
export class RunMeter {
  #elements = 0;
  #products = 0;

  /** Whether there is room for so many further elements, which then are taken. */
  takeElements(count: number): boolean {
    if (!(count >= 0 && this.#elements + count <= MOST_ELEMENTS)) return false;
    this.#elements += count;
    return true;
  }

  /** The same for products of two numbers. */
  takeProducts(count: number): boolean {
    if (!(count >= 0 && this.#products + count <= MOST_PRODUCTS)) return false;
    this.#products += count;
    return true;
  }
}
