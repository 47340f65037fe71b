import { describe, expect, it } from 'vitest';
import { createLogger } from './log.ts';

function written(fields: object, message: string): string {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  createLogger({ name: 'broker', level: 'info', format: 'json', destination }).warn(fields, message);
  return lines.join('');
}

describe('a line of a log', () => {
  it.each([1e5, 1e6, 5e6])('is bounded, whatever has %d characters in it', (length) => {
    const long = 'a'.repeat(length);
    const many = Array.from({ length: length / 1000 }, (_, i) => `${i}${'a'.repeat(1000)}`);
    for (const line of [
      written({}, long),
      written({ err: new Error(long) }, 'refused'),
      written({ names: { deep: [long, long] } }, 'refused'),
      written({ many }, 'refused'),
    ]) {
      expect(line.length).toBeLessThan(33_000);
      expect(JSON.parse(line)).toMatchObject({ level: 'warn', name: 'broker', time: expect.any(String) });
      expect(line.endsWith('}\n')).toBe(true);
    }
  });

  it('is cut only after its secrets are hidden', () => {
    const line = written({}, `rtsp://ann:${'geheimnis'.repeat(9_000)}@10.0.0.1/ ${'x'.repeat(99_000)}`);
    expect(line).not.toContain('geheimnis');
    expect(line).toContain('rtsp://***@10.0.0.1/');
  });
});
