import { describe, expect, it } from 'vitest';
import { runTogether } from './run-together.ts';

const untilAborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

describe('runTogether', () => {
  it('ends all when one fails, waits for them, and throws that failure', async () => {
    let ended = false;
    const other = async (signal: AbortSignal) => {
      await untilAborted(signal);
      await Promise.resolve();
      ended = true;
    };
    const broken = async () => {
      throw new Error('broken');
    };
    await expect(runTogether(new AbortController().signal, [other, broken])).rejects.toThrow('broken');
    expect(ended).toBe(true);
  });

  it('resolves when the signal ends all', async () => {
    const stop = new AbortController();
    const running = runTogether(stop.signal, [untilAborted, untilAborted]);
    stop.abort();
    await expect(running).resolves.toBeUndefined();
  });
});
