import { describe, expect, it } from 'vitest';
import { readClearRecord } from '../clear/clear-record.ts';
import { clearTables } from './clear-tables.ts';

const RECORD = new URL('../../docs/what-protection-costs/clear.json', import.meta.url);

describe('the tables about networks in their forms', () => {
  it('have a row for each network that was recorded, with a figure in every cell', async () => {
    const rows = await readClearRecord(RECORD);
    expect(rows.map(({ network }) => network)).toEqual(expect.arrayContaining(['counter', 'e2dm', 'lenet5']));
    const tables = clearTables(rows);
    expect(Object.keys(tables)).toEqual(['clear-time', 'clear-memory', 'clear-limit']);
    for (const text of Object.values(tables)) {
      const [, , ...body] = text.split('\n\n')[0]!.split('\n');
      expect(body).toHaveLength(rows.length);
      for (const [i, line] of body.entries()) {
        const [name, ...cells] = line.split('|').slice(1, -1);
        expect(name!.trim()).toBe(rows[i]!.network);
        for (const cell of cells) expect(cell.trim()).toMatch(/^[\d.]+ (ms|MB|×|%)$/);
      }
    }
    expect(tables['clear-limit']).toContain(rows[0]!.commit.slice(0, 7));
  });

  it('say what was recorded', async () => {
    const [row] = await readClearRecord(RECORD);
    const form = { ...row!.encrypted, medianMs: 12.345, processorMs: 20, peakBytes: 2.5e8, bytesRead: 3e7 };
    const made = {
      ...row!,
      ...{ network: 'one', encrypted: form, plainWeights: { ...form, medianMs: 10 } },
      clear: { ...row!.clear, medianMs: 0.025 },
    };
    const { 'clear-time': times, 'clear-memory': memory } = clearTables([made]);
    expect(times).toMatch(
      /^\| one \| 12\.3 ms \| 10 ms \| 0\.025 ms \| 20 ms \| 20 ms \| [\d.]+ ms \| 1\.23 × \| 494 × \|$/m,
    );
    expect(memory).toMatch(/^\| one \| 250 MB \| 250 MB \|/m);
  });
});
