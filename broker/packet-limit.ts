/**
 * Follows the framing of an MQTT stream and reports as soon as a fixed header announces a packet beyond a limit: aedes itself would
 * buffer up to 256 MB before checking.
 */
export class PacketLimit {
  readonly #maxBytes: number;
  /** Bytes of the current packet's body that are still to come. */
  #body = 0;
  #inHeader = false;
  #length = 0;
  #shift = 0;

  /** @param maxBytes largest remaining length of a packet. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Takes the next bytes of the stream; false as soon as a packet is too large or its length is malformed. */
  accepts(bytes: Uint8Array): boolean {
    let at = 0;
    while (at < bytes.length) {
      if (this.#body > 0) {
        const step = Math.min(this.#body, bytes.length - at);
        this.#body -= step;
        at += step;
        continue;
      }
      const byte = bytes[at++] ?? 0;
      if (!this.#inHeader) {
        this.#inHeader = true;
        this.#length = 0;
        this.#shift = 0;
        continue;
      }
      this.#length += (byte & 0x7f) * 2 ** this.#shift;
      this.#shift += 7;
      if (this.#length > this.#maxBytes) return false;
      if ((byte & 0x80) === 0) {
        this.#inHeader = false;
        this.#body = this.#length;
      } else if (this.#shift >= 28) {
        return false;
      }
    }
    return true;
  }
}
