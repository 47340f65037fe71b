import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSource, repositoryFiles, root } from './source-files.ts';

const pages = repositoryFiles().filter((file) => file.endsWith('.md'));

/** Pages whose sentences lean on files that they name in backticks, from the top of the repository. */
const NAMING = /^(SECURITY\.md|docs\/decisions\/)/;

/** Files that a page links to, relative to the repository; addresses and places within the page left out. */
function linked(page: string, text: string): string[] {
  const targets = [...text.matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g)].map((match) => match[1] ?? '');
  return targets.filter((target) => !/^[a-z]+:/.test(target)).map((target) => join(dirname(page), target));
}

function named(text: string): string[] {
  return [...text.matchAll(/`([a-z][\w-]*\/[\w/.-]+\.\w+)`/g)].map((match) => match[1] ?? '');
}

describe('pages', () => {
  it('link to files that are there', () => {
    const missing = pages.flatMap((page) =>
      linked(page, readSource(page))
        .filter((target) => !existsSync(join(root, target)))
        .map((target) => `${page}: ${target}`),
    );
    expect(missing).toEqual([]);
  });

  it('on security and decisions name files that are there', () => {
    const missing = pages
      .filter((page) => NAMING.test(page))
      .flatMap((page) => named(readSource(page)).map((file) => ({ page, file })))
      .filter(({ file }) => !existsSync(join(root, file)));
    expect(missing).toEqual([]);
  });

  it('are read as they are meant', () => {
    const text =
      'See [a](../b.md#c), [d](https://e.org), [f](#g), ![h](i/j.png) and `k/l.test.ts`, `m`, `n/`.';
    expect(linked('docs/x.md', text)).toEqual(['b.md', 'docs/i/j.png']);
    expect(named(text)).toEqual(['k/l.test.ts']);
  });
});
