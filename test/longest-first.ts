import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What takes longest, by waiting or computing, in this order; the longest decides when a run ends. By `npm test -- --reporter=verbose`. */
const LONGEST = [
  'test/two-machines.test.ts',
  'test/site.test.ts',
  'test/packages.test.ts',
  'attack/attacks.test.ts',
  'test/edge-update.test.ts',
  'backend/decryption/hostile-pictures.test.ts',
  'test/commands.test.ts',
  'test/rollout.test.ts',
  'test/unusual-pictures.test.ts',
  'test/chaos/city.test.ts',
];

/**
 * Lets the longest tests begin first, then the other tests of entire sites, then all others: so none of the workers is left with a long one
 * while the others have nothing to do.
 */
export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId, project }: TestSpecification) => {
      const place = LONGEST.findIndex((name) => moduleId.endsWith(`/${name}`));
      return place >= 0 ? place : LONGEST.length + ['whole', 'parts', 'unit'].indexOf(project.name);
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}
