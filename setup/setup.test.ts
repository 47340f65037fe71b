import { execFile, execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packagesFor, START_NEEDS, TEST_NEEDS } from './system-packages.mjs';

const root = join(import.meta.dirname, '..');
const RUNTIME = `node-${process.platform}-${process.arch}`;
const run = promisify(execFile);

/** The Node of the machine, which may be older than the one that Blindsight runs on; ours where it has none. */
function machineNode(): string {
  const folders = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => !folder.includes('node_modules'));
  return folders.map((folder) => join(folder, 'node')).find(existsSync) ?? process.execPath;
}

type Failure = { readonly code: number; readonly stdout: string; readonly stderr: string };

describe('set-up, started by the Node of the machine', () => {
  const node = machineNode();
  let clone: string;
  beforeEach(() => {
    clone = realpathSync(mkdtempSync(join(tmpdir(), 'blindsight-clone-')));
    cpSync(join(root, 'setup'), join(clone, 'setup'), { recursive: true });
    mkdirSync(join(clone, 'cli'));
    // Node 20 cannot read it.
    writeFileSync(
      join(clone, 'cli/main.ts'),
      'const words: string[] = process.argv.slice(2);\nconsole.log(process.version, words.join());\n',
    );
  });
  afterEach(() => rmSync(clone, { recursive: true }));

  function manifest(dependencies: Record<string, string>): void {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const content = { name: 'clone', version: '1.0.0', type: 'module', scripts, dependencies };
    writeFileSync(join(clone, 'package.json'), JSON.stringify(content));
    const lock = { name: 'clone', version: '1.0.0', lockfileVersion: 3, packages: { '': { dependencies } } };
    writeFileSync(join(clone, 'package-lock.json'), JSON.stringify(lock));
  }

  /** A registry that nobody answers at. */
  const offline = () => ({
    npm_config_registry: 'http://127.0.0.1:9/',
    npm_config_cache: join(clone, 'cache'),
    npm_config_fetch_retries: '0',
  });

  /** npm as a person calls it, whoever called the npm that runs these tests. */
  const npm = (words: readonly string[], environment: NodeJS.ProcessEnv = {}) => {
    const own = Object.entries(process.env).filter(([name]) => !/^npm_|^INIT_CWD$/i.test(name));
    const env = { ...Object.fromEntries(own), ...environment };
    const program = process.env.npm_execpath;
    return program?.endsWith('.js')
      ? run(node, [program, ...words], { cwd: clone, env })
      : run('npm', [...words], { cwd: clone, env });
  };

  const start = (environment: NodeJS.ProcessEnv = {}) =>
    run(node, [join(clone, 'setup/blindsight.mjs'), 'model', 'list'], {
      cwd: clone,
      env: { ...process.env, ...environment },
    });

  it('runs the command line of this very clone in Node 24', async () => {
    const { stdout } = await run(node, [join(root, 'setup/blindsight.mjs'), '--version']);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('installs the runtime that the lock file names, and then uses it', async () => {
    manifest({ [RUNTIME]: `file:${join(root, 'node_modules', RUNTIME)}` });
    expect(existsSync(join(clone, 'node_modules'))).toBe(false);
    const { stdout } = await start();
    expect(stdout).toMatch(/^v(2[4-9]|[3-9]\d)\.\S+ model,list\n$/);
    expect(existsSync(join(clone, 'node_modules', RUNTIME, 'bin/node'))).toBe(true);
    // Installed once: without a registry, without npm.
    const again = await start({ npm_execpath: '/nonexistent.js', PATH: '/nonexistent' });
    expect(again.stdout).toBe(stdout);
  });

  it('says what to do where the packages cannot be had, and leaves it to be tried again', async () => {
    manifest({ zod: '4.6.7' });
    const failure = await start(offline()).then(
      () => null,
      (error: Failure) => error,
    );
    expect(failure).toMatchObject({ code: 1, stdout: '' });
    expect(failure!.stderr).toMatch(/^blindsight: "npm install" failed/m);
    expect(failure!.stderr).toContain('The npm registry cannot be reached.');
    expect(failure!.stderr).not.toMatch(/^\s+at /m);
    expect(existsSync(join(clone, 'node_modules/.cache/blindsight/npm-packages'))).toBe(false);
  });

  it.each(['install', 'run setup'])('says by `npm %s` why packages cannot be installed', async (line) => {
    manifest({ zod: '4.6.7' });
    const reason = () => npm(line.split(' '), offline()).catch(({ stderr }: Failure) => stderr);
    expect(await reason()).toMatch(/ECONNREFUSED/);
    manifest({ missing: `file:${join(clone, 'missing.tgz')}` });
    expect(await reason()).toMatch(/ENOENT[\s\S]*missing\.tgz/);
  });

  it('prints nothing on stdout but what it was asked for, where npm is silent, and says so where it is not', async () => {
    manifest({ [RUNTIME]: `file:${join(root, 'node_modules', RUNTIME)}` });
    const silent = await npm(['start', '--silent', '--', '--json']);
    expect(silent.stdout).toMatch(/^v\d+\.\S+ demo,--json\n$/);
    expect(silent.stderr).not.toContain('--silent');
    const spoken = await npm(['start', '--', '--json']);
    expect(spoken.stdout).toMatch(/\nv\d+\.\S+ demo,--json\n$/);
    expect(spoken.stderr).toContain('use "npm start --silent -- …" to avoid them');
  });

  it('ends npm test with its own last line, also where tests fail', async () => {
    manifest({});
    // Without vitest no test can run: as good a failure as any.
    const failure = await npm(['test'], { ...offline(), PATH: dirname(node) }).catch(
      (error: Failure) => error,
    );
    expect(failure).toMatchObject({ code: 1, stdout: expect.stringMatching(/\n0 passed, 1 failed\n$/) });
  });

  it('names the Node that is needed where npm carries none and this one is too old', async () => {
    const major = Number(
      execFileSync(node, ['-p', 'process.versions.node.split(".")[0]'], { encoding: 'utf8' }),
    );
    const script = `
      import { findRuntime } from './setup/runtime.mjs';
      import { runMain } from './setup/setup-error.mjs';
      await runMain(async () => { process.stdout.write(findRuntime()); return 0; });`;
    const outcome = await run(node, ['--input-type=module', '-e', script], { cwd: clone }).then(
      ({ stdout }) => stdout,
      ({ stderr }: Failure) => stderr,
    );
    if (major < 24) expect(outcome).toMatch(/no Node\.js 24 for .*\n {2}Install Node\.js 24 or later/);
    else expect(realpathSync(outcome)).toBe(realpathSync(node));
  });
});

describe('README', () => {
  it('lists what is installed with apt', () => {
    const text = readFileSync(join(root, 'README.md'), 'utf8').replace(/\s+/g, ' ');
    const list = /what is missing of: ([^(]*) \(`npm start`: all up to ([^)]*)\)/.exec(text);
    expect(list?.[1]?.split(', ')).toEqual(packagesFor(TEST_NEEDS));
    expect(list?.[2]).toBe(packagesFor(START_NEEDS).at(-1));
    expect(packagesFor(TEST_NEEDS).slice(0, packagesFor(START_NEEDS).length)).toEqual(
      packagesFor(START_NEEDS),
    );
  });
});
