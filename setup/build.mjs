// node setup/build.mjs [kernel] [page]: builds what is missing or out of date; everything where nothing is named.
import { ensureBuilds } from './builds.mjs';
import { runMain } from './setup-error.mjs';

const names = process.argv.slice(2);

await runMain(async () => {
  await ensureBuilds(names.length > 0 ? names : undefined);
  return 0;
});
