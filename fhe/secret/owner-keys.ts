import { checkParameters, type Parameters } from '../ckks/parameters.ts';
import { encodePublicKey } from '../ckks/serialization.ts';
import type { ResultRing } from '../program/program.ts';
import { createRing } from '../ring/ring.ts';
import { createSealContext, type SealContext } from '../seal/context.ts';
import { fromSealPublicKey } from '../seal/convert.ts';
import { SealScope } from '../seal/runtime.ts';
import { fromSealSecretKey } from './seal-secret.ts';
import { encodeSecretKey } from './secret-key.ts';

/** The keys of one protected network, serialized. Only `publicKey` may leave the owner. */
export type OwnerKeys = {
  readonly secretKey: Uint8Array;
  /** The secret of the small ring of answers, if the program has one. */
  readonly resultSecretKey?: Uint8Array;
  readonly publicKey: Uint8Array;
};

/** Parameters of a result ring: one prime, no key switching. */
export function resultRingParameters(ring: ResultRing): Parameters {
  return checkParameters({ ringDegree: ring.ringDegree, moduli: [ring.modulus], specialModuli: [] });
}

/** Makes fresh keys with SEAL's KeyGenerator (ternary secret, randomness from the operating system). */
export async function createOwnerKeys(parameters: Parameters, resultRing?: ResultRing): Promise<OwnerKeys> {
  const bridge = await createSealContext(parameters, 'keys-and-top');
  try {
    using scope = new SealScope();
    const generator = scope.own(new bridge.seal.KeyGenerator(bridge.context));
    const publicKey = fromSealPublicKey(bridge, scope.own(generator.createPublicKey()));
    const keys = {
      secretKey: takeSecret(bridge, scope, generator),
      publicKey: encodePublicKey(parameters, publicKey),
    };
    if (resultRing === undefined) return keys;
    return { ...keys, resultSecretKey: await createSecretKey(resultRingParameters(resultRing)) };
  } finally {
    bridge.close();
  }
}

async function createSecretKey(parameters: Parameters): Promise<Uint8Array> {
  const bridge = await createSealContext(parameters, 'keys-and-top');
  try {
    using scope = new SealScope();
    return takeSecret(bridge, scope, scope.own(new bridge.seal.KeyGenerator(bridge.context)));
  } finally {
    bridge.close();
  }
}

function takeSecret(
  bridge: SealContext,
  scope: SealScope,
  generator: InstanceType<SealContext['seal']['KeyGenerator']>,
): Uint8Array {
  const ring = createRing(bridge.parameters.ringDegree);
  const secret = fromSealSecretKey(bridge, ring, scope.own(generator.secretKey()));
  const bytes = encodeSecretKey(bridge.parameters, secret);
  secret.fill(0);
  return bytes;
}
