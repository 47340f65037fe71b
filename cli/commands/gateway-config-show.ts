import type { Command } from 'commander';
import { integer } from '../parse-option.ts';
import { printJson } from '../print.ts';
import { runCommand } from '../run-command.ts';
import { withHeader } from '../settings-header.ts';
import { SITE_OPTION } from '../site-option.ts';

type Options = { readonly data: string; readonly version?: number; readonly json?: boolean };

/** `blindsight gateway config show NAME`. */
export function registerGatewayConfigShow(config: Command): void {
  config
    .command('show')
    .description('print the settings that were pushed to a gateway, as YAML')
    .argument('<gateway>')
    .option('--version <n>', 'an earlier version (default: the newest)', integer(1, Number.MAX_SAFE_INTEGER))
    .option(...SITE_OPTION)
    .option('--json', 'print JSON, with state and history of this version')
    .addHelpText(
      'after',
      '\nExample, to change them:\n  blindsight gateway config show gate-1 > gate-1.yaml\n  editor gate-1.yaml\n  blindsight gateway config push gate-1 --file gate-1.yaml',
    )
    .action((name: string, { data, version, json }: Options) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { showConfiguration } = await import('#backend/configuration/describe-configurations.ts');
        const shown = await withSite(data, (site) => showConfiguration(site, name, version));
        if (json) return printJson(shown);
        process.stdout.write(withHeader(shown.settings, name, shown.version));
        if (shown.running !== shown.version)
          process.stderr.write(
            `Version ${shown.version} is ${shown.status}; ${name} ${runningWords(shown.running)}.\n`,
          );
        if (shown.drift) process.stderr.write(`agent.yaml was edited on ${name} since.\n`);
      }),
    );
}

function runningWords(running: number | null): string {
  if (running === null) return 'has not said what it runs';
  return running === 0 ? 'runs the agent.yaml that lies on it' : `runs version ${running}`;
}
