// node deploy/setup/build.mjs [kernel] [page]: builds what is missing or out of date; everything where nothing is named.
import { ensureBuilds } from './builds.mjs';
import { runMain } from './setup-error.mjs';

await runMain(async () => {
  await ensureBuilds(process.argv.slice(2));
  return 0;
});
