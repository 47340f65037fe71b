// npm start: sets up what is missing, then runs a whole site on this machine (`blindsight demo`).
import { ensure } from './ensure.mjs';
import { concealCamera, launch } from './launch.mjs';
import { runMain } from './setup-error.mjs';
import { START_NEEDS } from './system-packages.mjs';

const args = concealCamera(process.argv.slice(2));
const ownCamera = args.some((arg) => /^--camera(-file)?(=|$)/.test(arg));

// npm names a level that is not its usual one.
const npmSpoke = process.env.npm_lifecycle_event === 'start' && process.env.npm_config_loglevel !== 'silent';
if (args.includes('--json') && npmSpoke && !process.stdout.isTTY)
  process.stderr.write(
    'npm printed two lines on stdout first; use "npm start --silent -- …" to avoid them\n',
  );

await runMain(async () => {
  await ensure(ownCamera ? ['video'] : START_NEEDS);
  return launch(['demo', ...args]);
});
