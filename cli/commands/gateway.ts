import type { Command } from 'commander';
import { registerGatewayConfig } from './gateway-config.ts';
import { registerGatewayDiagnostics } from './gateway-diagnostics.ts';
import { registerGatewayEnrol } from './gateway-enrol.ts';
import { registerGatewayGroup } from './gateway-group.ts';
import { registerGatewayInvite } from './gateway-invite.ts';
import { registerGatewayList } from './gateway-list.ts';
import { registerGatewayLogLevel } from './gateway-log-level.ts';
import { registerGatewayLogs } from './gateway-logs.ts';
import { registerGatewayQuarantine } from './gateway-quarantine.ts';
import { registerGatewayRekey } from './gateway-rekey.ts';
import { registerGatewayRelease } from './gateway-release.ts';
import { registerGatewayRemove } from './gateway-remove.ts';
import { registerGatewayRestart } from './gateway-restart.ts';
import { registerGatewayShow } from './gateway-show.ts';

/** `blindsight gateway …`: the gateways of a site. */
export function registerGateway(program: Command): void {
  const gateway = program
    .command('gateway')
    .description(
      'gateways: invite, enrol, list, group, configure, restart, logs, diagnostics, quarantine, release, rekey, replace, remove, show',
    );
  registerGatewayInvite(gateway);
  registerGatewayEnrol(gateway);
  registerGatewayList(gateway);
  registerGatewayGroup(gateway);
  registerGatewayConfig(gateway);
  registerGatewayQuarantine(gateway);
  registerGatewayRelease(gateway);
  registerGatewayRekey(gateway);
  registerGatewayRemove(gateway);
  registerGatewayShow(gateway);
  registerGatewayRestart(gateway);
  registerGatewayLogLevel(gateway);
  registerGatewayLogs(gateway);
  registerGatewayDiagnostics(gateway);
}
