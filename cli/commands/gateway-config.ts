import type { Command } from 'commander';
import { registerGatewayConfigDiff } from './gateway-config-diff.ts';
import { registerGatewayConfigHistory } from './gateway-config-history.ts';
import { registerGatewayConfigPush } from './gateway-config-push.ts';
import { registerGatewayConfigRollback } from './gateway-config-rollback.ts';
import { registerGatewayConfigShow } from './gateway-config-show.ts';

/** `blindsight gateway config show|diff|push|history|rollback`: settings of a gateway from afar. */
export function registerGatewayConfig(gateway: Command): void {
  const config = gateway
    .command('config')
    .description('settings of a gateway from afar: show, diff, push, history, rollback');
  registerGatewayConfigShow(config);
  registerGatewayConfigDiff(config);
  registerGatewayConfigPush(config);
  registerGatewayConfigHistory(config);
  registerGatewayConfigRollback(config);
}
