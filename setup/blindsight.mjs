#!/usr/bin/env node
// npx blindsight …: the command line, set up on first use.
import { ensure } from './ensure.mjs';
import { concealCamera, launch } from './launch.mjs';
import { runMain } from './setup-error.mjs';
import { START_NEEDS } from './system-packages.mjs';

const args = concealCamera(process.argv.slice(2));

await runMain(async () => {
  await ensure(args[0] === 'demo' ? START_NEEDS : []);
  return launch(args);
});
