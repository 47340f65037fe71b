import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

type Component = { readonly 'bom-ref': string; readonly name: string; readonly version: string };
type Bill = {
  serialNumber: string;
  readonly metadata: { timestamp: string; readonly component: { name: string; type: string } };
  components: readonly Component[];
  dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
};

/**
 * A CycloneDX list of the npm packages in a program, with their digests and licenses as the lock file and npm know them, and of nothing else. The
 * same program gives the same bytes.
 *
 * @param root the repository with its package-lock.json
 * @param program the folder of the program; Node is part of it
 * @param node name of the npm package that Node came in
 * @param epochSeconds time that it names
 */
export async function billOfMaterials(
  root: string,
  program: string,
  name: string,
  node: string,
  epochSeconds: number,
): Promise<string> {
  const words = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'];
  const { stdout } = await promisify(execFile)('npm', words, { cwd: root, maxBuffer: 2 ** 26 });
  const bill = JSON.parse(stdout) as Bill;
  const inside = new Set(installedPackages(program));
  bill.components = bill.components.filter(
    (component) => inside.has(`${component.name}@${component.version}`) || component.name === node,
  );
  const found = new Set(bill.components.map((component) => `${component.name}@${component.version}`));
  const missing = [...inside].filter((reference) => !found.has(reference));
  if (missing.length > 0) throw new Error(`package-lock.json does not know ${missing.join(', ')}`);
  const references = new Set(bill.components.map((component) => component['bom-ref']));
  bill.dependencies = bill.dependencies
    .filter(({ ref }) => references.has(ref))
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((on) => references.has(on)) }));
  bill.metadata.component.name = name;
  bill.metadata.component.type = 'application';
  bill.metadata.timestamp = new Date(epochSeconds * 1000).toISOString();
  // npm draws it; a number of the contents says the same without being another each time.
  const digest = createHash('sha256').update(JSON.stringify(bill.components)).digest('hex');
  bill.serialNumber = `urn:uuid:${digest.slice(0, 8)}-${digest.slice(8, 12)}-8${digest.slice(13, 16)}-8${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
  return `${JSON.stringify(bill, null, 1)}\n`;
}

/** name@version of each npm package below a folder. */
export function installedPackages(program: string): string[] {
  const manifests = globSync(
    ['node_modules/*/package.json', 'node_modules/@*/*/package.json'].flatMap((pattern) => [
      pattern,
      `node_modules/{*,@*/*}/${pattern}`,
    ]),
    { cwd: program },
  );
  return manifests.sort().map((file) => {
    const { name, version } = JSON.parse(readFileSync(join(program, file), 'utf8')) as Component;
    return `${name}@${version}`;
  });
}
