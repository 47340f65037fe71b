export type Need = 'video' | 'simulated camera' | 'broker tests' | 'database tests' | 'page tests';
/** See system-packages.mjs. */
export const START_NEEDS: readonly Need[];
/** See system-packages.mjs. */
export const TEST_NEEDS: readonly Need[];
/** See system-packages.mjs. */
export function packagesFor(needs: readonly Need[]): string[];
/** See system-packages.mjs. */
export function ensureSystemPackages(needs: readonly Need[]): Promise<void>;
