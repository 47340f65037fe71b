import { transplant } from '../transplant.ts';

/** What one camera sees, said of another. */
export const anotherCamera = transplant({
  name: 'another-camera',
  sentence: 'sends honest answers under the name of another camera, and opens them',
  noun: 'answers published of a camera that did not see it',
  place: async () => ({ camera: 'yard' }),
});
