import { describe, expect, it } from 'vitest';
import type { Result } from '#protocol/messages.ts';
import { resultLine } from './result-line.ts';

const result: Result = {
  camera: 'door',
  model: 'counter',
  modelVersion: 1,
  label: 'present',
  probability: 0.98,
  probabilities: { present: 0.98, absent: 0.02 },
  frameTime: '2026-11-21T12:34:56.789Z',
  sequence: 7,
  historical: false,
  latencyMs: { prepare: 8.26, encrypt: 40.4, evaluate: 600.6, transport: 12, decrypt: 30, total: 700.2 },
};

describe('resultLine', () => {
  it('says what was seen, how surely, and where the time went', () => {
    expect(resultLine(result).slice('00:00:00'.length)).toBe(
      '  door  present     98 %   700 ms (prepare 8, encrypt 40, evaluate 601, transport 12, decrypt 30)',
    );
  });

  it('says when an answer waited for a connection', () => {
    expect(resultLine({ ...result, historical: true })).toMatch(/, sent later$/);
  });
});
