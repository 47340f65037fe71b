import { describe, expect, it } from 'vitest';
import { parseResult, readResults } from './read-results.ts';

const PAGE = `# try
| | |
|---|---:|
| pictures | 318 |
| accuracy, clear | 70.13 % |
| accuracy, encrypted | 70.10 % |
| same answer as in the clear | 99.98 % |
| worst logit error | 1.16e-3 (largest logit 17.0) |
| encrypt and evaluate one picture, first run | median 40.5 ms, 95 % within 77.2 ms |
| security | 128 bits: N = 8192, log2(Q·P) = 210.0, ternary secret |
| bundle | 40.1 MB |
`;

describe('ReadResults', () => {
  it('reads the table of a page', () => {
    expect(parseResult('try', PAGE)).toEqual({
      network: 'try',
      pictures: 318,
      clear: 70.13,
      encrypted: 70.1,
      agreement: 99.98,
      worstLogitError: 1.16e-3,
      medianMs: 40.5,
      p95Ms: 77.2,
      ringDegree: 8192,
      logQP: 210,
      bundleMb: 40.1,
    });
    expect(parseResult('clear', '91.50 % of 1000 pictures, as the network was given')).toBeNull();
  });

  it('finds what was recorded', async () => {
    const results = await readResults();
    expect(results.map(({ network }) => network)).toEqual(
      expect.arrayContaining(['e2dm', 'cryptonets', 'lenet5', 'ngraph-he-cryptonets.onnx']),
    );
    for (const result of results) {
      for (const value of Object.values(result).slice(1)) expect(value).toBeGreaterThan(0);
    }
  });
});
