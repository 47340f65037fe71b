import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { readSource, repositoryFiles, root } from './source-files.ts';

const run = promisify(execFile);

/** Runs a tool of node_modules/.bin and returns '' on success, what it printed otherwise. */
async function complaints(tool: string, args: readonly string[]): Promise<string> {
  try {
    await run(`${root}/node_modules/.bin/${tool}`, args, { cwd: root, maxBuffer: 2 ** 26 });
    return '';
  } catch (error) {
    const { stdout, stderr, message } = error as { stdout?: string; stderr?: string; message: string };
    return `${stdout ?? ''}${stderr ?? ''}` || message;
  }
}

describe('static checks', () => {
  it('TypeScript finds nothing', async () => {
    expect(await complaints('tsc', ['--noEmit', '-p', 'tsconfig.json'])).toBe('');
  });

  it('set-up scripts use nothing that Node 20 lacks', async () => {
    const scripts = repositoryFiles().filter((file) => /^(setup|deploy)\/.*\.mjs$/.test(file));
    const options = '--ignoreConfig --noEmit --allowJs --checkJs --strict --skipLibCheck --types node';
    const target = ['--module', 'nodenext', '--target', 'es2022'];
    expect(await complaints('tsc', [...options.split(' '), ...target, ...scripts])).toBe('');
  });

  it('Biome finds nothing', async () => {
    expect(await complaints('biome', ['check', '--max-diagnostics=50', '.'])).toBe('');
  });

  it('no file names a path of one machine', () => {
    const machinePath = /(^|[^A-Za-z0-9_.$}{-])\/(work|farm|root|home\/[a-z]+)\/[A-Za-z.]/;
    const text = /\.(tsx?|mjs|json|ya?ml|md|py|sh|css|html|service|conf|acl|edge|txt)$|^Dockerfile|^\.ci\//;
    const found = repositoryFiles()
      .filter((file) => text.test(file) && file !== 'package-lock.json' && file !== 'test/static.test.ts')
      .flatMap((file) =>
        readSource(file)
          .split('\n')
          .flatMap((line, index) => (machinePath.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
      );
    expect(found).toEqual([]);
  });

  it('no test is switched off or runs alone', () => {
    const switched = /\b(it|test|describe)\.(skip|only|todo|fails)\b|\bx(it|describe)\(/;
    const found = repositoryFiles().filter(
      (file) =>
        /\.test\.tsx?$/.test(file) && file !== 'test/static.test.ts' && switched.test(readSource(file)),
    );
    expect(found).toEqual([]);
  });
});
