import { BlindsightError } from '#protocol/errors.ts';

/** Whether a package is there to be imported. */
function isInstalled(name: string): boolean {
  try {
    import.meta.resolve(name);
    return true;
  } catch {
    return false;
  }
}

/**
 * Imports a package that only benchmarks need, by a name that is no literal: a site's package, which has the rest of them, is made of what is imported, and
 * shall not carry 150 MB for this.
 *
 * @throws BlindsightError BENCH_TOOLS where it is not installed.
 */
export async function importDevelopmentPackage<Package>(name: string): Promise<Package> {
  if (!isInstalled(name)) throw new BlindsightError('BENCH_TOOLS', `${name} is not installed here`);
  return (await import(name)) as Package;
}
