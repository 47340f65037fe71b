import { releaseTo } from '#backend/testing/test-site.ts';
import { NETWORK } from '../enrol-liar.ts';
import { transplant } from '../transplant.ts';

/** What one release answered, said of another one under the same keys: its gateway would run what it likes best. */
export const anotherBundle = transplant({
  name: 'another-bundle',
  sentence: 'sends honest answers of an earlier release as if they were of the present one, and opens them',
  noun: 'answers published of a release that did not give them',
  place: async ({ site, gateway }) => ({ bundle: await releaseTo(site, gateway.name, NETWORK) }),
});
