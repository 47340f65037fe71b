import type { Envelope } from '#protocol/envelope.ts';

/** An envelope of gateway `gate` about its camera `door`, for tests of what is stored: nothing in it can be verified or decrypted. */
export function bareEnvelope(site: string, sequence: number): Envelope {
  return {
    schema: 1,
    site,
    gateway: 'gate',
    camera: 'door',
    session: 1,
    sequence,
    frameTimeMs: 1,
    readyTimeMs: 1,
    bundle: '',
    interpreter: 'reference',
    historical: false,
    timings: { prepareMs: 0, encryptMs: 0, evaluateMs: 0 },
    ciphertext: new Uint8Array(),
  };
}
