import { describe, expect, it } from 'vitest';
import { Health } from '#protocol/messages.ts';
import { measureHealth } from './health.ts';

describe('measureHealth', () => {
  it('gives what the contract asks for', async () => {
    const outbox = { waiting: 1, bytes: 2, dropped: 3, oldestSeconds: 4 };
    const measured = await measureHealth('.', outbox);
    const health = Health.parse({ session: 1, time: new Date().toISOString(), ...measured });
    expect(health.outbox).toEqual(outbox);
    expect(health.memoryPercent).toBeGreaterThan(0);
    expect(health.processMegabytes).toBeGreaterThan(10);
    expect(health.diskFreePercent).toBeGreaterThan(0);
  });

  it('does without a disk that it cannot see', async () => {
    const measured = await measureHealth('/nonexistent', {
      waiting: 0,
      bytes: 0,
      dropped: 0,
      oldestSeconds: 0,
    });
    expect(measured.diskFreePercent).toBeNull();
  });
});
