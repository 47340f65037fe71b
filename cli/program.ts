import { Command } from 'commander';
import { registerAlert } from './commands/alert.ts';
import { registerAttack } from './commands/attack.ts';
import { registerAudit } from './commands/audit.ts';
import { registerBench } from './commands/bench.ts';
import { registerCamera } from './commands/camera.ts';
import { registerChannel } from './commands/channel.ts';
import { registerConformance } from './commands/conformance.ts';
import { registerDaemons } from './commands/daemons.ts';
import { registerDemo } from './commands/demo.ts';
import { registerDeploy } from './commands/deploy.ts';
import { registerEvaluate } from './commands/evaluate.ts';
import { registerExplain } from './commands/explain.ts';
import { registerGateway } from './commands/gateway.ts';
import { registerHistory } from './commands/history.ts';
import { registerLabel } from './commands/label.ts';
import { registerModel } from './commands/model.ts';
import { registerPerson } from './commands/person.ts';
import { registerRollout } from './commands/rollout.ts';
import { registerRule } from './commands/rule.ts';
import { registerSite } from './commands/site.ts';
import { registerSoftware } from './commands/software.ts';
import { registerToken } from './commands/token.ts';
import { registerTrain } from './commands/train.ts';
import { version } from './version.ts';

/** The command line: `blindsight …`. Each command loads what it needs only when it runs. */
export function makeProgram(): Command {
  const program = new Command('blindsight')
    .description(
      'Cameras that see without looking: encrypted neural networks on encrypted pictures, at the edge.',
    )
    .version(version)
    // `deploy … --version 2` is a version of a network.
    .enablePositionalOptions()
    .showHelpAfterError('(blindsight --help lists the commands)')
    .showSuggestionAfterError()
    .addHelpText(
      'after',
      `
Examples:
  blindsight demo                                   an entire site on this machine, with a simulated camera
  blindsight site init --site plaza --data ./plaza  make keys, certificates and settings of a site
  blindsight model protect counter --data ./plaza   encrypt the bundled network
  blindsight gateway enrol gate-1 --data ./plaza --out ./gate-1
                                                    make the installation package of a gateway
  blindsight deploy counter gate-1 --data ./plaza   send the encrypted network to it
  blindsight agent --config ./gate-1/agent.yaml     run the gateway`,
    );

  for (const register of [
    registerDemo,
    registerDaemons,
    registerSite,
    registerModel,
    registerGateway,
    registerCamera,
    registerAlert,
    registerChannel,
    registerHistory,
    registerDeploy,
    registerPerson,
    registerToken,
    registerRollout,
    registerRule,
    registerAudit,
    registerSoftware,
    registerLabel,
    registerTrain,
    registerExplain,
    registerEvaluate,
    registerConformance,
    registerBench,
    registerAttack,
  ]) {
    register(program);
  }
  return program;
}

/** Whether a command, given as its words, has an option. @param flag for example `--data` */
export function takesOption(program: Command, words: readonly string[], flag: string): boolean {
  let command = program;
  for (const word of words) {
    const below = command.commands.find((one) => one.name() === word);
    if (below === undefined) break;
    command = below;
  }
  return command.options.some(({ long }) => long === flag);
}
