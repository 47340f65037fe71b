import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Ciphertext } from '../ckks/ciphertext.ts';
import { createEncoder } from '../ckks/encoder.ts';
import { decodePublicKey, encodeCiphertext, expandCiphertext } from '../ckks/serialization.ts';
import { galoisElement, nttPermutation } from '../ring/automorphism.ts';
import { mulMod } from '../ring/modular.ts';
import { createRing } from '../ring/ring.ts';
import { createDecryptor, type Decryptor } from '../secret/decryptor.ts';
import { makeKeySwitchKey } from '../secret/key-switch-key.ts';
import { createOwnerKeys, type OwnerKeys } from '../secret/owner-keys.ts';
import { fromSealSecretKey, toSealSecretKey } from '../secret/seal-secret.ts';
import { decodeSecretKey, secretResidues } from '../secret/secret-key.ts';
import { createSymmetricEncryptor, freshSeeds, type SymmetricEncryptor } from '../secret/symmetric.ts';
import { expectSame } from '../testing/expect-same.ts';
import { randomSlots, testParameters, worstError } from '../testing/parameters.ts';
import { createSealContext, type SealContext } from './context.ts';
import {
  fromSealCiphertext,
  saveSeal,
  toSealCiphertext,
  toSealGaloisKeys,
  toSealPublicKey,
  toSealRelinKeys,
} from './convert.ts';
import { readSealCiphertext, readSealPlaintext } from './format.ts';
import { SealScope } from './runtime.ts';

describe.each([
  { ringDegree: 4096, levels: 2 },
  { ringDegree: 8192, levels: 3 },
])('SEAL beside the twin, N = $ringDegree', ({ ringDegree, levels }) => {
  const parameters = testParameters(ringDegree, levels);
  const { maxLevel, slots, moduli } = parameters;
  const ring = createRing(ringDegree);
  const encoder = createEncoder(parameters, ring);
  const scale = 2 ** 26;
  const values = randomSlots(slots, 1);
  let bridge: SealContext;
  let keys: OwnerKeys;
  let secret: Int8Array;
  let decryptor: Decryptor;
  let encryptor: SymmetricEncryptor | null = null;

  beforeAll(async () => {
    bridge = await createSealContext(parameters);
    keys = await createOwnerKeys(parameters);
    secret = decodeSecretKey(parameters, keys.secretKey);
    decryptor = await createDecryptor(parameters, keys);
  });
  afterAll(() => {
    decryptor.close();
    bridge.close();
  });

  const encrypt = (slotValues: Float64Array, level: number, at = scale) => {
    encryptor ??= createSymmetricEncryptor(parameters, ring, encoder, secret);
    return expandCiphertext(parameters, encryptor.encrypt(slotValues, { level, scale: at, modulus: 'Q' }));
  };
  const decrypt = (ciphertext: Ciphertext): Float64Array =>
    decryptor.decrypt(encodeCiphertext(parameters, ciphertext));

  it('encodes to the same residues and decodes what SEAL encodes', () => {
    using scope = new SealScope();
    const sealEncoder = scope.own(new bridge.seal.CKKSEncoder(bridge.context));
    const plaintext = scope.own(new bridge.seal.Plaintext());
    sealEncoder.encode(values, scale, plaintext);
    const sealResidues = readSealPlaintext(saveSeal(bridge.seal, plaintext), levels * ringDegree);
    const residues = encoder.encode(values, { level: maxLevel, scale });
    // Two float64 transforms may round a tie differently: coefficients differ by at most 1, and hardly ever.
    let different = 0;
    let wrong = 0;
    for (let limb = 0; limb < levels; limb++) {
      const ours = residues.slice(limb * ringDegree, (limb + 1) * ringDegree);
      const theirs = sealResidues.slice(limb * ringDegree, (limb + 1) * ringDegree);
      const q = moduli[limb]!;
      ring.ntt(q).inverse(ours);
      ring.ntt(q).inverse(theirs);
      for (let i = 0; i < ringDegree; i++) {
        const difference = (ours[i]! - theirs[i]! + q) % q;
        if (difference !== 0) different++;
        if (difference > 1 && difference < q - 1) wrong++;
      }
    }
    expect(wrong).toBe(0);
    expect(different).toBeLessThanOrEqual(levels * 2);
    expect(worstError(encoder.decode(sealResidues, { level: maxLevel, scale }), values)).toBeLessThan(1e-5);
  });

  it('multiplies ciphertexts bit for bit', () => {
    using scope = new SealScope();
    const left = encrypt(values, maxLevel);
    const right = encrypt(randomSlots(slots, 2), maxLevel);
    const product = scope.own(new bridge.seal.Ciphertext());
    scope
      .own(new bridge.seal.Evaluator(bridge.context))
      .multiply(
        scope.own(toSealCiphertext(bridge, left)),
        scope.own(toSealCiphertext(bridge, right)),
        product,
      );
    const theirs = fromSealCiphertext(bridge, product);
    const span = levels * ringDegree;
    const ours = new Uint32Array(3 * span);
    for (let limb = 0; limb < levels; limb++) {
      const q = moduli[limb]!;
      for (let i = limb * ringDegree; i < (limb + 1) * ringDegree; i++) {
        const [a0, a1] = [left.residues[i]!, left.residues[span + i]!];
        const [b0, b1] = [right.residues[i]!, right.residues[span + i]!];
        ours[i] = mulMod(a0, b0, q);
        ours[span + i] = (mulMod(a0, b1, q) + mulMod(a1, b0, q)) % q;
        ours[2 * span + i] = mulMod(a1, b1, q);
      }
    }
    expect(theirs.size).toBe(3);
    expect(theirs.scale).toBe(scale * scale);
    expect(Buffer.compare(Buffer.from(theirs.residues.buffer), Buffer.from(ours.buffer))).toBe(0);
  });

  it('transforms from NTT form bit for bit', () => {
    using scope = new SealScope();
    const ciphertext = encrypt(values, maxLevel);
    const object = scope.own(toSealCiphertext(bridge, ciphertext));
    scope.own(new bridge.seal.Evaluator(bridge.context)).cipherTransformFromNttInplace(object);
    const bytes = saveSeal(bridge.seal, object);
    // The residues are the last 8 · count bytes, whatever the form.
    const view = new DataView(bytes.buffer, bytes.byteLength - ciphertext.residues.length * 8);
    const ours = ciphertext.residues.slice();
    for (let part = 0; part < 2 * levels; part++) {
      ring.ntt(moduli[part % levels]!).inverse(ours.subarray(part * ringDegree, (part + 1) * ringDegree));
    }
    const theirs = Uint32Array.from(ours, (_, i) => view.getUint32(i * 8, true));
    expect(Buffer.compare(Buffer.from(theirs.buffer), Buffer.from(ours.buffer))).toBe(0);
  });

  it('brings keys and ciphertexts there and back', () => {
    using scope = new SealScope();
    const sealSecret = scope.own(toSealSecretKey(bridge, ring, secret));
    expect(fromSealSecretKey(bridge, ring, sealSecret)).toEqual(secret);
    const publicKey = decodePublicKey(parameters, keys.publicKey);
    const back = readSealCiphertext(saveSeal(bridge.seal, scope.own(toSealPublicKey(bridge, publicKey))));
    expectSame(back.residues, publicKey.residues);
    for (let level = 0; level <= maxLevel; level++) {
      const ciphertext = encrypt(values, level);
      const { residues, ...type } = fromSealCiphertext(
        bridge,
        scope.own(toSealCiphertext(bridge, ciphertext)),
      );
      expect(type).toEqual({ size: 2, level, scale });
      expectSame(residues, ciphertext.residues);
    }
  });

  it('decrypts seeded symmetric encryptions at every level', () => {
    for (let level = 0; level <= maxLevel; level++) {
      expect(worstError(decrypt(encrypt(values, level)), values)).toBeLessThan(2 ** 11 / scale);
    }
  });

  it('relinearizes and rotates at every level with keys truncated to it', () => {
    const residues = secretResidues(ring, secret, [...moduli, ...parameters.specialModuli]);
    for (let level = 0; level <= maxLevel; level++) {
      using scope = new SealScope();
      const evaluator = scope.own(new bridge.seal.Evaluator(bridge.context));
      const own = new Uint32Array((level + 2) * ringDegree);
      own.set(residues.subarray(0, (level + 1) * ringDegree));
      own.set(residues.subarray(levels * ringDegree), (level + 1) * ringDegree);

      const step = 3;
      const permutation = nttPermutation(galoisElement(step, ringDegree), ringDegree);
      const rotated = own.map((_, i) => own[i - (i % ringDegree) + permutation[i % ringDegree]!]!);
      const key = makeKeySwitchKey(parameters, ring, own, rotated, level, freshSeeds());
      const source = encrypt(values, level);
      const out = scope.own(new bridge.seal.Ciphertext());
      const galoisKeys = scope.own(toSealGaloisKeys(bridge, step, key));
      evaluator.rotateVector(scope.own(toSealCiphertext(bridge, source)), step, galoisKeys, out);
      const expected = values.map((_, i) => values[(i + step) % slots]!);
      // Digits in [0, q) have a mean, which concentrates the noise in the slots nearest to 1 (fhe/README.md): 2^19 · √digits.
      expect(worstError(decrypt(fromSealCiphertext(bridge, out)), expected)).toBeLessThan(0.2);

      const square = own.subarray(0, (level + 1) * ringDegree).map((value, i) => {
        const q = moduli[Math.floor(i / ringDegree)]!;
        return mulMod(value, value, q);
      });
      const relinearizationKey = makeKeySwitchKey(parameters, ring, own, square, level, freshSeeds());
      const small = encrypt(values, level, level === 0 ? 2 ** 13 : scale);
      const product = scope.own(new bridge.seal.Ciphertext());
      evaluator.square(scope.own(toSealCiphertext(bridge, small)), product);
      const before = decrypt(fromSealCiphertext(bridge, product));
      evaluator.relinearizeInplace(product, scope.own(toSealRelinKeys(bridge, relinearizationKey)));
      const after = fromSealCiphertext(bridge, product);
      expect(after.size).toBe(2);
      expect(worstError(decrypt(after), before)).toBeLessThan(2 ** 23 / after.scale);
    }
  });
});
