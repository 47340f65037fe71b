import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const COCKPIT = dirname(fileURLToPath(import.meta.url));
const REPOSITORY = dirname(COCKPIT);
const OUTPUT = join(COCKPIT, 'dist');
/** Next to the page, so that both are replaced in one step. */
const STAMP = join(OUTPUT, 'build-stamp.txt');

/** Folders whose files end up in the page, and packages whose version does. */
const SOURCES = [COCKPIT, join(REPOSITORY, 'protocol')];
const PACKAGES = ['vite', 'preact', 'uplot', 'yaml'];
const NOT_SOURCES = new Set(['dist', '.setup', 'testing', 'node_modules']);

/**
 * Builds the cockpit page into cockpit/dist, unless the page there was built from exactly these sources.
 *
 * @param {{ force?: boolean }} [options]
 * @returns {Promise<{ built: boolean, output: string }>}
 */
export async function buildCockpit({ force = false } = {}) {
  const stamp = await sourceStamp();
  if (!force && (await readStamp()) === stamp) return { built: false, output: OUTPUT };

  const { build } = await import('vite');
  const next = join(COCKPIT, '.setup', `dist-${process.pid}`);
  await build({
    configFile: false,
    // Whatever NODE_ENV says: a development build contains paths of this machine, and is slow.
    mode: 'production',
    root: COCKPIT,
    // Relative addresses: the page also works under a path of a reverse proxy.
    base: './',
    publicDir: false,
    logLevel: 'warn',
    plugins: [paintOnce()],
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact', development: false } },
    build: {
      outDir: next,
      emptyOutDir: true,
      target: 'es2024',
      // The content security policy allows files of the own origin and nothing else: no data: addresses.
      assetsInlineLimit: 0,
      modulePreload: false,
      reportCompressedSize: false,
    },
  });
  await writeFile(join(next, 'build-stamp.txt'), `${stamp}\n`);
  await replaceOutput(next, stamp);
  return { built: true, output: OUTPUT };
}

/**
 * Puts the new page in place of the old one; where another build of the same sources was faster, its page stays.
 *
 * @param {string} next folder of the new page
 * @param {string} stamp
 */
async function replaceOutput(next, stamp) {
  const old = `${next}-old`;
  for (let attempt = 1; ; attempt++) {
    try {
      await rename(OUTPUT, old).catch(ignoreMissing);
      await rename(next, OUTPUT);
      break;
    } catch (error) {
      if ((await readStamp()) === stamp) break;
      if (attempt === 5) throw error;
    }
  }
  await rm(old, { recursive: true, force: true });
  await rm(next, { recursive: true, force: true });
}

/** @param {NodeJS.ErrnoException} error */
function ignoreMissing(error) {
  if (error.code !== 'ENOENT') throw error;
}

/**
 * Holds the first paint until the script has set the chosen theme: the page never flashes in the other one.
 *
 * @returns {import('vite').Plugin}
 */
function paintOnce() {
  return {
    name: 'paint-once',
    transformIndexHtml: {
      order: 'post',
      handler: (html) => html.replace('<script type="module"', '<script type="module" blocking="render"'),
    },
  };
}

async function readStamp() {
  try {
    return (await readFile(STAMP, 'utf8')).trim();
  } catch {
    return null;
  }
}

async function sourceStamp() {
  const hash = createHash('sha256');
  for (const folder of SOURCES) {
    for (const file of await sourceFiles(folder)) {
      hash
        .update(relative(REPOSITORY, file))
        .update('\0')
        .update(await readFile(file))
        .update('\0');
    }
  }
  for (const name of PACKAGES) {
    const manifest = join(REPOSITORY, 'node_modules', name, 'package.json');
    hash.update(name).update(JSON.parse(await readFile(manifest, 'utf8')).version);
  }
  return hash.digest('hex');
}

/**
 * Every file of a folder that is not a test, in a lasting order.
 *
 * @param {string} folder
 * @returns {Promise<string[]>}
 */
async function sourceFiles(folder) {
  /** @type {string[]} */
  const found = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!NOT_SOURCES.has(entry.name)) found.push(...(await sourceFiles(path)));
    } else if (!/\.test\.tsx?$/.test(entry.name)) {
      found.push(path);
    }
  }
  return found.sort();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await mkdir(join(COCKPIT, '.setup'), { recursive: true });
  const started = performance.now();
  const { built } = await buildCockpit({ force: process.argv.includes('--force') });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(built ? `Cockpit page built in ${seconds} s.` : 'Cockpit page is up to date.');
}
