import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { readSource, repositoryFiles } from '../test/source-files.ts';
import { childrenOf, parseSource, type SyntaxNode, walk } from '../test/syntax.ts';

const file = join(import.meta.dirname, 'run-command.ts');

/** Runs `body` as a program of its own, with `stop()` for what Ctrl-C does. */
async function run(body: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const program = `
    import { runCommand, runUntilStopped } from ${JSON.stringify(file)};
    const stop = async (signal, name = 'SIGINT') => {
      const alive = setInterval(() => {}, 1_000);
      const stopped = new Promise((resolve) => signal.addEventListener('abort', resolve));
      process.kill(process.pid, name);
      await stopped;
      clearInterval(alive);
    };
    ${body}`;
  const words = ['--input-type=module-typescript', '--eval', program];
  return promisify(execFile)(process.execPath, words).then(
    (output) => ({ code: 0, ...output }),
    (failure: { code: number; stdout: string; stderr: string }) => failure,
  );
}

describe('a command', () => {
  it.each([
    ['ends with 0', 'async () => {}', 0, ''],
    ['keeps the exit code that it set', 'async () => { process.exitCode = 1; }', 1, ''],
    [
      'tells what it has and ends with 130 when stopped',
      'async ({ signal }) => { await stop(signal); }',
      130,
      '',
    ],
    [
      'says what is lost where it could not go on when stopped',
      "async ({ signal }) => { await stop(signal); throw new Error('cut short'); }",
      130,
      'nothing was written\n',
    ],
  ])('%s', async (_, work, code, stderr) => {
    expect(await run(`await runCommand(${work}, 'nothing was written');`)).toMatchObject({ code, stderr });
  });

  it('throws what went wrong by itself', async () => {
    const { code, stderr } = await run("await runCommand(async () => { throw new Error('no such file'); });");
    expect(code).toBe(1);
    expect(stderr).toContain('no such file');
  });
});

describe('what runs until it is told to end', () => {
  it.each([
    ['ends with 0 when told to', '(signal) => stop(signal)', 0],
    ['ends with the code of its work', 'async () => 130', 130],
    ['is ended by a hang-up', "(signal) => stop(signal, 'SIGHUP')", 0],
  ])('%s', async (_, work, code) => {
    expect(await run(`await runUntilStopped(${work});`)).toMatchObject({ code, stderr: '' });
  });

  it('tells what fails while it ends', async () => {
    const work = "async (signal) => { await stop(signal); throw new Error('cannot close'); }";
    const { code, stderr } = await run(`await runUntilStopped(${work});`);
    expect(code).toBe(1);
    expect(stderr).toContain('cannot close');
  });
});

/** Actions of commands that are run in another way. */
function otherActions(name: string, text: string): number {
  const calls = (node: SyntaxNode): string[] =>
    [...walk(node)]
      .filter(({ type }) => type === 'CallExpression')
      .map(({ callee }) =>
        String((callee as SyntaxNode).name ?? ((callee as SyntaxNode).property as SyntaxNode)?.name),
      );
  return [...walk(parseSource(name, text))].filter((node) => {
    const property = (node.callee as SyntaxNode | undefined)?.property as SyntaxNode | undefined;
    if (node.type !== 'CallExpression' || property?.name !== 'action') return false;
    return !childrenOf(node).some((child) =>
      calls(child).some((called) => called === 'runCommand' || called === 'runUntilStopped'),
    );
  }).length;
}

describe('every command', () => {
  it('is run in one of these two ways, and asks for no signal by itself', () => {
    const sources = repositoryFiles().filter(
      (name) => /^(cli|deploy|demo|bench|setup)\/.*\.ts$/.test(name) && !name.endsWith('.test.ts'),
    );
    const others = sources.filter((name) => otherActions(name, readSource(name)) > 0);
    expect(others).toEqual([]);
    const signals = sources.filter((name) => readSource(name).includes('stop-signal.ts'));
    expect(signals).toEqual(['cli/run-command.ts']);
  });

  it.each([
    ['a.action(() => runCommand(work));', 0],
    ['a.action(async () => { await runUntilStopped(work); });', 0],
    ['a.action(async () => { await work(stopSignal()); });', 1],
  ])('is seen: %s', (text, count) => {
    expect(otherActions('a.ts', text)).toBe(count);
  });
});
