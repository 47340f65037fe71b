import { createCipheriv, createHmac } from 'node:crypto';

/** Sets these normals apart from whatever else a key may be used for. */
const CONTEXT = 'blindsight fingerprint 1';

/**
 * Standard normal values that only a holder of the key can predict: AES-256 in counter mode under HMAC-SHA256(key, name), two 32-bit words
 * for every two values (Box and Muller). The same on every machine.
 *
 * @param name sets sequences of one key apart.
 */
export function keyedNormals(key: Uint8Array, name: string, count: number): Float64Array {
  const cipherKey = createHmac('sha256', key).update(CONTEXT).update('\0').update(name).digest();
  const pairs = Math.ceil(count / 2);
  const stream = createCipheriv('aes-256-ctr', cipherKey, Buffer.alloc(16)).update(Buffer.alloc(8 * pairs));
  const normals = new Float64Array(2 * pairs);
  for (let i = 0; i < pairs; i++) {
    const radius = Math.sqrt(-2 * Math.log((stream.readUInt32LE(8 * i) + 0.5) / 2 ** 32));
    const angle = (2 * Math.PI * stream.readUInt32LE(8 * i + 4)) / 2 ** 32;
    normals[2 * i] = radius * Math.cos(angle);
    normals[2 * i + 1] = radius * Math.sin(angle);
  }
  return normals.subarray(0, count);
}
