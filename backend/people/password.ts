import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import { BlindsightError } from '#protocol/errors.ts';

/**
 * What one hash costs: 128 · N · r bytes of memory and N · r · p steps. Measured on two cores of the kind that a small site has: N = 2^17, r = 8,
 * p = 1 takes 0.34 s and 134 MB; N = 2^16, p = 2 takes 0.30 s and 67 MB; N = 2^15, p = 3 takes 0.21 s and 34 MB. The first is taken: one runs at a time (see
 * `ScryptGate`), so that its memory is needed once, and it costs an attacker the most.
 */
export type ScryptCost = { readonly N: number; readonly r: number; readonly p: number };
export const SCRYPT_COST: ScryptCost = { N: 2 ** 17, r: 8, p: 1 };

const SALT_BYTES = 16;
const HASH_BYTES = 32;
const MIN_LENGTH = 12;
export const MAX_PASSWORD_LENGTH = 256;
const MIN_DISTINCT = 6;

/** The same text typed on different keyboards gives the same bytes. */
function bytesOf(password: string): Buffer {
  return Buffer.from(password.normalize('NFKC'), 'utf8');
}

function derive(password: string, salt: Uint8Array, { N, r, p }: ScryptCost): Promise<Buffer> {
  const options: ScryptOptions = { N, r, p, maxmem: 256 * N * r };
  return new Promise((resolve, reject) => {
    scrypt(bytesOf(password), salt, HASH_BYTES, options, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}

/** @returns `scrypt$N$r$p$salt$hash`, so that a later version may choose other costs. */
export async function hashPassword(password: string, cost: ScryptCost = SCRYPT_COST): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await derive(password, salt, cost);
  return ['scrypt', cost.N, cost.r, cost.p, salt.toString('base64url'), hash.toString('base64url')].join('$');
}

/** Whether the password is the one that was hashed; false for a hash of another form. */
export async function isPassword(password: string, stored: string): Promise<boolean> {
  const [kind, N, r, p, salt, hash] = stored.split('$');
  if (kind !== 'scrypt' || salt === undefined || hash === undefined) return false;
  const expected = Buffer.from(hash, 'base64url');
  const found = await derive(password, Buffer.from(salt, 'base64url'), {
    ...{ N: Number(N), r: Number(r), p: Number(p) },
  });
  return expected.length === found.length && timingSafeEqual(expected, found);
}

/** What unknown names are checked against, so that they take as long as known ones: no password has this hash. */
export const NOBODYS_PASSWORD = `scrypt$${SCRYPT_COST.N}$${SCRYPT_COST.r}$${SCRYPT_COST.p}$${'A'.repeat(22)}$${'A'.repeat(43)}`;

/** @throws BlindsightError PASSWORD_WEAK, saying why and without the password. */
export function checkPassword(password: string, name: string): void {
  const text = password.normalize('NFKC');
  const weak = (why: string) => new BlindsightError('PASSWORD_WEAK', `the password ${why}`);
  if (text.length < MIN_LENGTH)
    throw weak(`has ${text.length} characters, at least ${MIN_LENGTH} are needed`);
  if (text.length > MAX_PASSWORD_LENGTH) throw weak(`has more than ${MAX_PASSWORD_LENGTH} characters`);
  if (new Set(text.toLowerCase()).size < MIN_DISTINCT)
    throw weak(`has fewer than ${MIN_DISTINCT} different characters`);
  if (isRow(text)) throw weak('is a row of characters that follow each other');
  const rest = text.toLowerCase().replaceAll(name.toLowerCase(), '').replaceAll('blindsight', '');
  if (rest.length < MIN_LENGTH / 2) throw weak('consists of the name of the person or of this program');
}

/** 123456789012, abcdefghijkl: each character follows the one before, up or down. */
function isRow(text: string): boolean {
  const steps = [...text].slice(1).map((character, i) => character.charCodeAt(0) - text.charCodeAt(i));
  return steps.filter((step) => Math.abs(step) <= 1 || Math.abs(step) === 9).length >= 0.9 * steps.length;
}
