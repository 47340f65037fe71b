import type { Program } from './program.ts';

/** Number of prepared values for one run of a program: channels × height × width for each of its regions. */
export function pictureValues({ picture, regions = 1 }: Pick<Program, 'picture' | 'regions'>): number {
  return regions * picture.channels * picture.height * picture.width;
}
