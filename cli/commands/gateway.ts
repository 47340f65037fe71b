import type { Command } from 'commander';
import { registerGatewayConfig } from './gateway-config.ts';
import { registerGatewayEnrol } from './gateway-enrol.ts';
import { registerGatewayGroup } from './gateway-group.ts';
import { registerGatewayInvite } from './gateway-invite.ts';
import { registerGatewayList } from './gateway-list.ts';
import { registerGatewayQuarantine } from './gateway-quarantine.ts';
import { registerGatewayRelease } from './gateway-release.ts';
import { registerGatewayRemove } from './gateway-remove.ts';
import { registerGatewayShow } from './gateway-show.ts';

/** `blindsight gateway invite|replace|enrol|list|group|config|quarantine|release|remove|show`: the gateways of a site. */
export function registerGateway(program: Command): void {
  const gateway = program
    .command('gateway')
    .description(
      'gateways: invite, enrol, list, group, configure, quarantine, release, replace, remove, show',
    );
  registerGatewayInvite(gateway);
  registerGatewayEnrol(gateway);
  registerGatewayList(gateway);
  registerGatewayGroup(gateway);
  registerGatewayConfig(gateway);
  registerGatewayQuarantine(gateway);
  registerGatewayRelease(gateway);
  registerGatewayRemove(gateway);
  registerGatewayShow(gateway);
}
