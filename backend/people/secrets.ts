import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** 256 random bits as text for a cookie or a header. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** What is stored of a secret that is too random to be guessed. @param kind keeps hashes of different kinds apart */
export function hashOf(kind: 'session' | 'token' | 'site token', secret: string): string {
  return createHash('sha256').update(`blindsight ${kind}\0${secret}`).digest('hex');
}

/** Compares in a time that says nothing about either text. */
export function sameText(left: string, right: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(left), digest(right));
}
