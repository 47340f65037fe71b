import { expect, it } from 'vitest';
import { csvLine } from './csv-line.ts';

it('writes numbers as they are, nothing as nothing, and quotes what needs it', () => {
  expect(csvLine(['door', -0.5, null, 'a, "b"', 'two\nlines', ''])).toBe(
    'door,-0.5,,"a, ""b""","two\nlines",\r\n',
  );
});

it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '\n=1', '＝1'])('makes no formula of %j', (text) => {
  expect(csvLine([text])).toMatch(/^"?'/);
});

it('leaves other labels alone', () => {
  expect(csvLine(['a=b', 'two-part', 'x@y', "'"])).toBe("a=b,two-part,x@y,'\r\n");
});
