import { describe, expect, it } from 'vitest';
import { systemClock } from '#runtime/clock.ts';
import { createLogger } from '#runtime/log.ts';
import { until } from '../testing/until.ts';
import type { Bundle } from './bundle.ts';
import { InterpreterHost } from './interpreter-host.ts';
import { CRASHES, Runner } from './runner.ts';

const bundle = { digest: '00', directory: '', manifest: { parts: [], selfTest: {} } } as unknown as Bundle;
const open = (): Promise<InterpreterHost> =>
  InterpreterHost.open({
    bundle,
    kind: 'engine',
    threads: 1,
    selfTest: false,
    workerFile: new URL('../testing/crashing-worker.ts', import.meta.url),
  });
const picture = (grey: number): Uint8Array => new Uint8Array(64).fill(255 * grey);

describe('Runner', () => {
  it('starts a thread that died again; the lost picture is told, the next is answered', async () => {
    const given: Bundle[] = [];
    const reasons: Error[] = [];
    const warnings: string[] = [];
    let fails = false;
    const runner = new Runner({
      open: () => (fails ? Promise.reject(new Error('no memory')) : open()),
      clock: systemClock,
      log: createLogger({
        name: 'test',
        level: 'warn',
        format: 'json',
        destination: { write: (line: string) => void warnings.push(line) },
      }),
      onChange: () => undefined,
      onGiveUp: (bundle, reason) => void [given.push(bundle), reasons.push(reason)],
      restartMs: [10],
    });
    await runner.activate(await open());
    const answer = async (grey: number): Promise<number> =>
      (await runner.run(runner.host!, picture(grey))).ciphertext[0]!;
    const revived = (): Promise<boolean> => until('a new thread', () => runner.host !== null);
    try {
      expect(await answer(0.5)).toBe(50);
      for (let crash = 1; crash <= 2; crash++) {
        const other = picture(0.75);
        const host = runner.host!;
        const lost = runner.run(host, picture(0));
        // A picture that waits behind the one that kills is lost with it, and told as well.
        const behind = runner.run(host, other);
        await expect(lost).rejects.toMatchObject({ code: 'FHE_WORKER', message: /out of memory/ });
        await expect(behind).rejects.toMatchObject({ code: 'FHE_WORKER' });
        expect(runner.host).toBeNull();
        await revived();
        expect(await answer(0.25)).toBe(25);
        expect(runner.restarts).toBe(crash);
        expect(warnings.length).toBe(crash);
      }
      expect(given).toEqual([]);
      // Again and again without an answer in between: the bundle is to blame.
      for (let crash = 1; crash <= CRASHES; crash++) {
        await expect(answer(0)).rejects.toMatchObject({ code: 'FHE_WORKER' });
        await revived();
        expect(given.length).toBe(crash === CRASHES ? 1 : 0);
      }
      expect(await answer(1)).toBe(100);
      // A disk that cannot be read is named as what is missing.
      for (let crash = 1; crash <= CRASHES; crash++) {
        await expect(answer(1 / 255)).rejects.toMatchObject({ code: 'FHE_DISK' });
        await revived();
      }
      expect(reasons).toMatchObject([
        { code: 'FHE_WORKER' },
        { code: 'FHE_DISK', message: 'the disk is gone' },
      ]);
      // In the place of the old one, where there is no memory for both.
      const restarts = runner.restarts;
      const host = runner.host!;
      await runner.reopen(host);
      expect(host.closed).toBe(true);
      expect(await answer(1)).toBe(100);
      fails = true;
      await expect(runner.reopen(runner.host!)).rejects.toThrow('no memory');
      fails = false;
      await revived();
      expect(await answer(1)).toBe(100);
      expect(runner.restarts).toBe(restarts + 1);
    } finally {
      await runner.close();
    }
    expect(runner.host).toBeNull();
  });
});
