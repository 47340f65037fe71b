import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { type Command, Option } from 'commander';
import { BlindsightError } from '#protocol/errors.ts';
import type { Rule } from '#protocol/rule.ts';
import { conditionWords, scheduleWords } from '#protocol/rule-words.ts';
import { operatorName } from '../operator-name.ts';
import { duration, integer, names } from '../parse-option.ts';
import { printJson } from '../print.ts';
import { printRuleTest } from '../print-rule-test.ts';
import { runCommand } from '../run-command.ts';
import { SITE_OPTION } from '../site-option.ts';

type Options = {
  readonly data: string;
  readonly file?: string;
  readonly when: string;
  readonly camera?: string[];
  readonly gateway?: string[];
  readonly region?: string;
  readonly zone?: string;
  readonly label?: string;
  readonly atLeast?: number;
  readonly atMost?: number;
  readonly probability?: number;
  readonly state?: string[];
  readonly for?: number;
  readonly within?: number;
  readonly days?: number;
  readonly on?: string[];
  readonly from?: string;
  readonly to?: string;
  readonly timeZone?: string;
  readonly severity: string;
  readonly coolDown?: number;
  readonly notify?: string[];
  readonly replace?: boolean;
  readonly anyway?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
};

const KINDS = ['answer', 'absence', 'camera-state', 'gateway-state', 'unusual', 'drops', 'certificate'];
const DAY_MS = 86_400_000;
const time = duration(7 * DAY_MS);
const count = integer(0, 10_000);

/** `blindsight rule add NAME …`. */
export function registerRuleAdd(rule: Command): void {
  rule
    .command('add')
    .description('add a rule, after its test with the answers of the last day')
    .argument('<name>')
    .addOption(new Option('--when <kind>', 'what it waits for').choices(KINDS).default('answer'))
    .option('--camera <names>', 'cameras, with commas between them (default: all)', names)
    .option('--gateway <names>', 'likewise of gateways', names)
    .option('--label <label>', 'what is seen, or is not (default: every label that does not mean "nothing")')
    .option('--region <name>', 'in this region of the picture')
    .option('--zone <name>', 'in this zone of a map')
    .option('--at-least <n>', 'how many (default: 1)', count)
    .option('--at-most <n>', 'how many', count)
    .option('--probability <percent>', 'the least that the label must have', integer(0, 100))
    .option(
      '--state <names>',
      'of cameras or gateways, for example unreachable,stalled or offline,unknown',
      names,
    )
    .option('--for <time>', 'how long, for example 30s', time)
    .option('--within <time>', 'of drops, for example 1h', time)
    .option('--days <n>', 'of certificates', integer(1, 30))
    .option('--on <days>', 'days on which it begins to count, for example mon,tue', names)
    .option('--from <HH:MM>', 'from when on it counts')
    .option('--to <HH:MM>', 'until when; may pass midnight')
    .option('--time-zone <name>', 'of these times, for example Europe/Vienna (default: that of the site)')
    .addOption(
      new Option('--severity <s>', 'how bad it is')
        .choices(['info', 'warning', 'critical'])
        .default('warning'),
    )
    .option('--cool-down <time>', 'between two times that it is raised about the same (default: 5m)', time)
    .option('--notify <channels>', 'who is told, with commas between them', names)
    .option('--file <file>', 'a rule as JSON, as `rule show` prints it, instead of all of these; - for stdin')
    .option('--replace', 'instead of the rule of that name')
    .option('--anyway', 'whatever is doubtful about it')
    .option('--dry-run', 'only test it')
    .option(...SITE_OPTION)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples:
  blindsight rule add night --camera yard --label person --for 5s --from 22:00 --to 06:00 --severity critical
  blindsight rule add crowd --camera square --zone entrance --label person --at-least 5 --for 1m
  blindsight rule add silent --when absence --for 10m
  blindsight rule add cut --when gateway-state --state offline,unknown --for 2m`,
    )
    .action((name: string, options: Options) =>
      runCommand(async (run) => {
        const { withSite } = await import('#backend/site-folder.ts');
        const { liveState } = await import('#backend/operations/live-state.ts');
        const { saveRule, testRule } = await import('#backend/operations/rules.ts');
        const { data, file, replace = false, anyway = false, dryRun, json } = options;
        const given = file === undefined ? ruleOf(options) : await readRule(file);
        await withSite(data, async (site, config) => {
          const context = { site, config, state: await liveState(site, config), signal: run.signal };
          if (dryRun) return printRuleTest(await testRule(context, { ...given, name }), json);
          const instead = replace ? 'either' : 'new';
          const saved = await saveRule(
            context,
            { ...given, name },
            { author: operatorName(), anyway, instead },
          );
          if (json) return printJson(saved);
          process.stdout.write(
            `rule ${name} counts: ${conditionWords(saved.when)}, ${scheduleWords(saved)}\n`,
          );
        });
      }),
    );
}

async function readRule(file: string): Promise<object> {
  const read = file === '-' ? await text(process.stdin) : await readFile(file, 'utf8');
  try {
    const { changed, author, ...rule } = JSON.parse(read) as Record<string, unknown>;
    return rule;
  } catch (cause) {
    throw new BlindsightError('RULE_INVALID', `${file} is not JSON: ${(cause as Error).message}`, { cause });
  }
}

/** What the options say, as a rule; whether they fit together is said where it is saved. */
function ruleOf(options: Options): object {
  const { when: kind, camera, gateway, probability, state: states, within, days, coolDown } = options;
  const { region, zone, label, atLeast, atMost, severity, notify, on, from, to, timeZone } = options;
  const aboutGateways = kind === 'gateway-state' || kind === 'drops';
  const defaults = aboutGateways ? { gateways: 'all' } : kind === 'certificate' ? {} : { cameras: 'all' };
  const hasSchedule = [on, from, to, timeZone].some((one) => one !== undefined);
  return given<Partial<Rule>>({
    severity,
    coolDownSeconds: coolDown === undefined ? undefined : coolDown / 1000,
    notify,
    when: given({
      ...{ kind, ...defaults, region, zone, label, atLeast, atMost, states, days },
      ...given({ cameras: camera, gateways: gateway }),
      probability: probability === undefined ? undefined : probability / 100,
      forSeconds: options.for === undefined ? undefined : options.for / 1000,
      withinMinutes: within === undefined ? undefined : Math.ceil(within / 60_000),
    }),
    schedule: hasSchedule ? given({ days: on, from, to, timeZone }) : undefined,
  } as Record<string, unknown>);
}

/** Without what is undefined. */
function given<T extends object>(fields: Record<string, unknown>): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
