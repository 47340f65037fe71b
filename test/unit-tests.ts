import { globSync } from 'node:fs';
import { importSpecifiers } from '../deploy/edge/import-specifiers.ts';
import { readSource, resolveSpecifier, root } from './source-files.ts';

/** Folders without tests of ours. */
export const NEVER = ['**/node_modules/**', '**/dist/**', '**/build/**', 'data/**'];

/** What makes a test more than a unit test: processes, threads, brokers, databases, browsers, pictures, SEAL, compilers. */
const REAL =
  /^(node:(child_process|worker_threads)|aedes|mqtt|pg|playwright-core|vite|sharp|node-seal|onnxruntime-web|assemblyscript|systeminformation)(\/|$)/;

/** Asks git for names, and no more. */
const QUICK = ['test/source-files.ts', 'test/syntax.ts'];

const TYPE_IMPORTS = /^\s*(?:import|export) type\s[^'"]*from\s*['"][^'"]+['"];?/gm;

/**
 * The test files that reach nothing real, however far their imports go: those that `npm run test:unit` runs.
 * Found by imports, so that no list has to be kept.
 */
export function unitTests(): string[] {
  const files = globSync('**/*.{ts,tsx,mjs}', { cwd: root, exclude: NEVER }).sort();
  const importers = new Map<string, string[]>();
  const real: string[] = [];
  for (const file of files.filter((each) => !QUICK.includes(each))) {
    for (const specifier of importSpecifiers(readSource(file).replace(TYPE_IMPORTS, ''))) {
      const target = resolveSpecifier(file, specifier);
      if (target === null) {
        if (REAL.test(specifier)) real.push(file);
      } else importers.set(target, [...(importers.get(target) ?? []), file]);
    }
  }
  // From what is real to everything that imports it.
  const reached = new Set<string>();
  for (let file = real.pop(); file !== undefined; file = real.pop()) {
    if (reached.has(file)) continue;
    reached.add(file);
    real.push(...(importers.get(file) ?? []));
  }
  return files.filter((file) => /\.test\.tsx?$/.test(file) && !reached.has(file));
}
