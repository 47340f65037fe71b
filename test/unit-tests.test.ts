import { expect, it } from 'vitest';
import { unitTests } from './unit-tests.ts';

it('finds unit tests by what they import, however far that is', () => {
  const found = unitTests();
  // Its imports end in our own files.
  expect(found).toContain('protocol/refusals.test.ts');
  // Through a harness: a broker; through an interpreter: threads; by itself: a database.
  for (const file of ['agent/main.test.ts', 'fhe/engine/interpreter/engine.test.ts', 'broker/main.test.ts']) {
    expect(found).not.toContain(file);
  }
});
