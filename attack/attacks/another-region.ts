import { transplant } from '../transplant.ts';

/** What the entire picture shows, said of a part of it. */
export const anotherRegion = transplant({
  name: 'another-region',
  sentence: 'sends honest answers as if they were about another region of the picture, and opens them',
  noun: 'answers published of a region that they are not about',
  place: async ({ gateway: { regions } }) => ({
    regions: Array.from({ length: regions }, (_, i) => `elsewhere-${i + 1}`),
  }),
});
