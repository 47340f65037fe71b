/**
 * The file, relative to the repository, that a subpath import (`#fhe`, `#agent/main.ts`) means by the `imports` of package.json.
 *
 * @throws Error where no entry fits
 */
export function resolveSubpath(imports: Readonly<Record<string, string>>, specifier: string): string {
  const exact = imports[specifier];
  if (exact !== undefined) return exact.replace(/^\.\//, '');
  for (const [pattern, target] of Object.entries(imports)) {
    const [before, after] = pattern.split('*');
    if (after === undefined || !specifier.startsWith(before!) || !specifier.endsWith(after)) continue;
    const rest = specifier.slice(before!.length, specifier.length - after.length);
    return target.replace('*', rest).replace(/^\.\//, '');
  }
  throw new Error(`package.json has no entry in "imports" for ${specifier}`);
}
