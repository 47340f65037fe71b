import type { Command } from 'commander';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

/** `blindsight gateway release NAME [--discard]`. */
export function registerGatewayRelease(gateway: Command): void {
  gateway
    .command('release')
    .description('take a gateway out of quarantine; its kept answers are decrypted')
    .argument('<gateway>')
    .option('--discard', 'discard its kept answers')
    .option(...SITE_OPTION)
    .action((name: string, { discard = false, data }: { discard?: boolean; data: string }) =>
      runCommand(async () => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { releaseGateway } = await import('#backend/operations/gateways.ts');
        const { released, answers } = await withSite(data, (site) => releaseGateway(site, name, { discard }));
        const fate = discard ? 'discarded' : 'decrypted now';
        const kept = answers > 0 ? ` Kept answers: ${answers}, ${fate}.` : '';
        // Whoever cheated for a while knows more of the key than an honest gateway.
        const advice = released
          ? ` If it may have cheated, or the box was in other hands, give it new keys: \`blindsight gateway rekey ${name}\`.`
          : '';
        process.stdout.write(
          `${name} ${released ? 'was released from quarantine' : 'was not in quarantine'}.${kept}${advice}\n`,
        );
      }),
    );
}
