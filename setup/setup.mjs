// npm run setup: installs and builds what npm start and npm test would, or says why it cannot.
import { ensure } from './ensure.mjs';
import { runMain } from './setup-error.mjs';
import { TEST_NEEDS } from './system-packages.mjs';

await runMain(async () => {
  await ensure(TEST_NEEDS);
  process.stderr.write('blindsight: everything is installed and built\n');
  return 0;
});
