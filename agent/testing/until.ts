import { setTimeout as delay } from 'node:timers/promises';

/**
 * Waits until a condition holds and returns what it gave.
 *
 * @throws Error after `ms` milliseconds, with `what` was waited for
 */
export async function until<T>(what: string, condition: () => T | Promise<T>, ms = 120_000) {
  const end = performance.now() + ms;
  while (performance.now() < end) {
    const value = await condition();
    if (value) return value;
    await delay(20);
  }
  throw new Error(`waited ${ms} ms for: ${what}`);
}
