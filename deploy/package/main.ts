// npm run package: makes Debian packages of the gateway and of the site.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { runCommand } from '#cli/run-command.ts';
import { step } from '#setup/progress.mjs';
import { buildPackage } from './build-package.ts';
import { PACKAGES } from './contents.ts';
import { ARCHITECTURES, type Architecture, installLocked, OWN_ARCHITECTURE } from './locked-packages.ts';

type Options = {
  readonly architecture: readonly Architecture[];
  readonly only?: string;
  readonly out: string;
  readonly here?: boolean;
};

const ROOT = resolve(import.meta.dirname, '..', '..');

/** Of the commit, so that it gives the same bytes whenever it is packed. */
function epoch(): number {
  const given = process.env.SOURCE_DATE_EPOCH;
  if (given !== undefined) return Number(given);
  try {
    const words = ['log', '-1', '--format=%ct'];
    return Number(execFileSync('git', words, { cwd: ROOT, stdio: ['ignore', 'pipe', 'ignore'] }));
  } catch {
    return 0;
  }
}

async function makePackages({ architecture, only, out, here = false }: Options): Promise<void> {
  for (const machine of architecture) {
    const scratch = mkdtempSync(join(tmpdir(), 'blindsight-package-'));
    try {
      const root = here ? ROOT : join(scratch, 'repository');
      if (!here) await step(`npm packages for ${machine}`, () => installLocked(ROOT, root, machine));
      for (const contents of PACKAGES.filter(({ name }) => only === undefined || name === only)) {
        const built = await step(`${contents.name} for ${machine}`, () =>
          buildPackage({
            ...{ contents, root, architecture: machine, out: resolve(out), epochSeconds: epoch() },
            scratch: join(scratch, contents.name),
            compression: here ? 'none' : 'zstd',
          }),
        );
        const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
        process.stdout.write(
          `${relative(process.cwd(), built.file)}: ${megabytes(built.bytes)}, installed ${megabytes(built.installedBytes)}, SHA-256 ${built.sha256}\n`,
        );
      }
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  }
}

await new Command('package')
  .description('make Debian packages: blindsight-agent for gateways, blindsight-site for broker and backend')
  .addOption(
    new Option('--architecture <name...>', 'machines that they are for')
      .choices(Object.keys(ARCHITECTURES))
      .default(Object.keys(ARCHITECTURES)),
  )
  .addOption(new Option('--only <name>', 'one of the two').choices(PACKAGES.map(({ name }) => name)))
  .option('--out <dir>', 'folder of the packages', join(ROOT, 'dist'))
  .addOption(
    new Option(
      '--here',
      'for this machine, quickly: with the npm packages of this clone, not compressed',
    ).implies({ architecture: [OWN_ARCHITECTURE] }),
  )
  .action((options: Options) => runCommand(() => makePackages(options)))
  .parseAsync();
