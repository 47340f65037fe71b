// Compiles the kernel: `node fhe/kernel/build.mjs`. Plain JavaScript, because set-up runs it before anything else works.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('.', import.meta.url));
const sources = [
  'asconfig.json',
  'build.mjs',
  ...readdirSync(join(root, 'assembly'))
    .sort()
    .map((name) => join('assembly', name)),
];
const stampFile = join(root, 'dist', 'stamp');

/** Digest of the sources and the compiler's version: what the compiled files depend on. */
function stamp() {
  const hash = createHash('sha256').update(
    createRequire(import.meta.url)('assemblyscript/package.json').version,
  );
  for (const name of sources) hash.update(`\0${name}\0`).update(readFileSync(join(root, name)));
  return hash.digest('hex');
}

/** Compiles both targets (debug with assertions, release) unless they are up to date. */
export async function buildKernel() {
  const wanted = stamp();
  try {
    if (readFileSync(stampFile, 'utf8') === wanted) return false;
  } catch {
    // Not built yet.
  }
  const { default: asc } = await import('assemblyscript/asc');
  mkdirSync(join(root, 'dist'), { recursive: true });
  for (const target of ['debug', 'release']) {
    const { error, stderr } = await asc.main([
      '--config',
      'asconfig.json',
      '--target',
      target,
      '--baseDir',
      root,
    ]);
    if (error)
      throw new Error(`the kernel does not compile (${target}):\n${stderr.toString()}`, { cause: error });
  }
  writeFileSync(stampFile, wanted);
  return true;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildKernel();
