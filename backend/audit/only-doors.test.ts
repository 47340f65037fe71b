import { expect, it } from 'vitest';
import { isTest, readSource, repositoryFiles } from '../../test/source-files.ts';

const sources = repositoryFiles().filter((file) => /\.tsx?$/.test(file) && !isTest(file));
const having = (pattern: RegExp) => sources.filter((file) => pattern.test(readSource(file))).sort();

it('is written by the API and the command line only: nothing that comes from a gateway leads there', () => {
  expect(having(/new AuditLog\(/)).toEqual(['backend/api/audit-of.ts', 'cli/recorded-act.ts']);
  expect(having(/audit\.append\(/)).toEqual(['backend/audit/audit-log.ts']);
  expect(having(/INSERT INTO audit\b/)).toEqual(['backend/store/audit.ts']);
  expect(having(/(UPDATE|DELETE FROM|REPLACE INTO|DROP TABLE) audit\b/)).toEqual([]);
});
