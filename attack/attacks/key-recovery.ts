import { decodeConstants, expandCiphertext } from '#fhe/testing';
import type { Attack } from '../attack.ts';
import { finenessOf } from '../fineness-of.ts';
import { countRight, type RecoveredKey, recoverKey } from '../recover-key.ts';
import { LEAF } from '../shaping/leaf.ts';
import { makeOpener } from '../shaping/open-with-key.ts';
import type { SiteUnderAttack } from '../site-under-attack.ts';

/** Errors of encryption are far below this. */
const NEAR = 1e-4;

/** Reads the owner's secret key off published answers; with all of it, opens every parameter that the gateway holds. */
export const keyRecovery: Attack = {
  name: 'key-recovery',
  sentence:
    'shapes ciphertexts that decrypt to coefficients of the secret key, and reads them off the answers',
  goesOn: false,
  async run({ site, policy, size, onProgress, signal }) {
    const all = site.secretKey.length / LEAF;
    const key = await recoverKey(site, {
      fineness: finenessOf(policy),
      leaves: Math.max(1, Math.round(size * all)),
      onProgress,
      ...(signal && { signal }),
    });
    const isWhole = key.coefficients.size === site.secretKey.length;
    return {
      answersUsed: key.answers,
      recovered: countRight(key, site.secretKey),
      of: key.coefficients.size,
      noun: 'coefficients of the secret key',
      ...(isWhole && { opens: openWith(key, site) }),
    };
  },
};

/** How many slots of the encrypted parameters the recovered key opens as the owner's own key does. */
function openWith(key: RecoveredKey, { gateway, secretKey }: SiteUnderAttack) {
  const { parameters, program } = gateway.material.program;
  const guess = Int8Array.from(secretKey, (_, i) => key.coefficients.get(i) ?? 0);
  const [open, truth] = [makeOpener(parameters, guess), makeOpener(parameters, secretKey)];
  let [recovered, of] = [0, 0];
  for (const constant of decodeConstants(parameters, program.constants, gateway.material.constants)) {
    const ciphertext = expandCiphertext(parameters, constant);
    const [ours, theirs] = [open(ciphertext), truth(ciphertext)];
    of += ours.length;
    recovered += ours.filter((value, slot) => Math.abs(value - theirs[slot]!) < NEAR).length;
  }
  return { recovered, of, noun: 'slots of encrypted parameters' };
}
