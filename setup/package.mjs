// npm run package: makes Debian packages; see deploy/package/.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ensure } from './ensure.mjs';
import { root } from './paths.mjs';
import { findRuntime } from './runtime.mjs';
import { runMain } from './setup-error.mjs';

await runMain(async () => {
  await ensure([]);
  const words = [join(root, 'deploy', 'package', 'main.ts'), ...process.argv.slice(2)];
  const child = spawn(findRuntime(), words, { stdio: 'inherit' });
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM']))
    process.on(signal, () => child.kill(signal));
  return await new Promise((resolve) => {
    child.on('error', () => resolve(1));
    child.on('exit', (code) => resolve(code ?? 1));
  });
});
