/** Bytes of room for a message from a thread whose host does not turn its event loop. */
export const REPORT_BYTES = 1024;

/** Writes a message, cut to the room: its length in the first four bytes, then UTF-8. */
export function writeReport(room: SharedArrayBuffer, message: string): void {
  const text = Buffer.from(message).subarray(0, REPORT_BYTES - 4);
  new Uint8Array(room).set(text, 4);
  new Uint32Array(room, 0, 1)[0] = text.length;
}

/** @returns the message written last; empty for none */
export function readReport(room: SharedArrayBuffer): string {
  const [length] = new Uint32Array(room, 0, 1);
  return Buffer.from(new Uint8Array(room).slice(4, 4 + length!)).toString();
}
