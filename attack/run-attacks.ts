import type { ProtectedNetwork } from '#backend/protection/protect-task.ts';
import { BackendConfig } from '#config/schema.ts';
import type { Attack } from './attack.ts';
import type { AttackRow } from './attack-row.ts';
import { ATTACKS } from './attacks/index.ts';
import { NETWORK } from './enrol-liar.ts';
import type { Excuse } from './excuse.ts';
import { policyWords } from './policy.ts';
import { protectBundled } from './protect.ts';
import { type CaughtAfter, selectionRuns } from './selection-runs.ts';
import { makeSiteUnderAttack, type SiteUnderAttack } from './site-under-attack.ts';
import { type TimingReport, timeOutcomes } from './time-outcomes.ts';

/** One attack on one network. */
type Plan = {
  readonly attack: Attack;
  readonly network: keyof typeof NETWORKS;
  /** Share of the attack. */
  readonly size: number;
  /** What the liar says when he is asked; null where nobody asks. */
  readonly excuse: Excuse | null;
  /** Rough seconds on two cores, for the time that is left. */
  readonly cost: number;
};

export type AttackReport = {
  readonly rows: readonly AttackRow[];
  /** Of the present share of audits: for who always lies, and for who lies once in ten answers. */
  readonly chosenAfter: readonly CaughtAfter[];
  readonly timing: TimingReport;
  readonly seconds: number;
};

export type RunAttacksOptions = {
  readonly onProgress: (text: string, share: number) => void;
  readonly signal?: AbortSignal;
};

/** Ten labels, two labels, and four regions of two labels each. */
export const NETWORKS = {
  e2dm: { zoo: 'e2dm', regions: 1, cost: 8 },
  counter: { zoo: 'counter', regions: 1, cost: 8 },
  'carpark × 4': { zoo: 'carpark', regions: 4, cost: 11 },
} as const;

/** How a liar goes on until he is caught: at most this many answers. */
const MOST_ANSWERS = 2000;
/** Size of what ends by itself when the gateway is caught, and takes time to begin with. */
const MANY = 20;
const SELECTION_RUNS = 200;
const LYING = [1, 0.1] as const;
/** Each takes a tenth of a second; and rough seconds for all of them. */
const TIMING_BLOCKS = 60;
const TIMING_COST = 9;

function before(network: Plan['network'], attack: Attack, size: number, cost: number): Plan {
  return { attack, network, size, excuse: null, cost };
}

function after(network: Plan['network'], attack: Attack, excuse: Excuse, cost = 5, size = 1): Plan {
  return { attack, network, size, excuse, cost };
}

const A = ATTACKS;
const PLANS: readonly Plan[] = [
  before('e2dm', A.keyRecovery, 1, 18),
  before('e2dm', A.weightsAtOutput, 0.5, 2),
  before('e2dm', A.betweenLayers, 0.5, 2),
  before('e2dm', A.keyAtInput, 1, 2),
  before('e2dm', A.forgedLogits, 1, 1),
  before('e2dm', A.replay, 1, 1),
  after('e2dm', A.keyRecovery, 'another-opening', 3),
  after('e2dm', A.keyRecovery, 'silent', 6),
  after('e2dm', A.keyRecovery, 'restart', 6),
  after('e2dm', A.weightsAtOutput, 'another-opening'),
  after('e2dm', A.betweenLayers, 'another-opening'),
  after('e2dm', A.keyAtInput, 'another-opening'),
  after('e2dm', A.forgedLogits, 'garbage'),
  after('e2dm', A.dates, 'another-opening', 1),
  after('e2dm', A.burst, 'another-opening', 3),
  before('counter', A.keyRecovery, 1 / 128, 3),
  before('counter', A.anotherCamera, 0.25, 1),
  before('counter', A.anotherRegion, 0.25, 1),
  before('counter', A.anotherBundle, 0.25, 1),
  after('counter', A.keyRecovery, 'another-opening', 5),
  after('counter', A.seldomLies, 'another-opening', 5, MANY),
  after('counter', A.replay, 'another-opening', 2),
  after('counter', A.renumbering, 'another-opening', 2),
  after('counter', A.anotherCamera, 'another-opening', 3, MANY),
  after('counter', A.anotherRegion, 'another-opening', 3, MANY),
  after('counter', A.anotherBundle, 'another-opening', 3, MANY),
  before('carpark × 4', A.keyRecovery, 1 / 128, 3),
];

/** Runs every attack on this machine against a site in memory, without and with what stops it; about a minute on two cores. */
export async function runAttacks({ onProgress, signal }: RunAttacksOptions): Promise<AttackReport> {
  const begunMs = performance.now();
  const costs = [...PLANS, ...Object.values(NETWORKS)].map(({ cost }) => cost);
  const total = costs.reduce((sum, cost) => sum + cost, TIMING_COST);
  let done = 0;
  const step = async <T>(text: string, cost: number, act: (tell: (share: number) => void) => Promise<T>) => {
    signal?.throwIfAborted();
    const end = await act((share) => onProgress(text, (done + cost * share) / total));
    done += cost;
    return end;
  };
  const rows: AttackRow[] = [];
  const timings: TimingReport[] = [];
  const options = signal && { signal };
  // The next network is protected in its thread while this one is attacked.
  const names = Object.keys(NETWORKS) as (keyof typeof NETWORKS)[];
  let protectedNext = protectNetwork(names[0]!, options);
  for (const [i, network] of names.entries()) {
    const made = await step(`protecting ${network}`, NETWORKS[network].cost, () => protectedNext);
    const next = names[i + 1];
    if (next !== undefined) {
      protectedNext = protectNetwork(next, options);
      // Awaited later; where an attack fails before, that is what is told.
      protectedNext.catch(() => {});
    }
    const isTimed = network === 'counter';
    if (isTimed)
      timings.push(
        await step('timing', TIMING_COST, (tell) =>
          timeOutcomes(made, { blocks: TIMING_BLOCKS, onProgress: tell, ...options }),
        ),
      );
    const open = openOnce(made);
    try {
      for (const plan of PLANS.filter((one) => one.network === network)) {
        const text = `${plan.attack.name} on ${network}${plan.excuse === null ? '' : ', audited'}`;
        rows.push(
          await step(text, plan.cost, (tell) =>
            plan.excuse === null
              ? open.site().then((site) => runPlan(plan, site, tell, signal))
              : runAudited(plan, plan.excuse, made, tell, signal),
          ),
        );
      }
    } finally {
      await open.close();
    }
  }
  const { share } = BackendConfig.shape.audit.parse(undefined);
  const chosenAfter: CaughtAfter[] = [];
  for (const lying of LYING) chosenAfter.push(await selectionRuns({ share, lying, runs: SELECTION_RUNS }));
  return { rows, chosenAfter, timing: timings[0]!, seconds: (performance.now() - begunMs) / 1000 };
}

function protectNetwork(network: keyof typeof NETWORKS, options: { signal: AbortSignal } | undefined) {
  const { zoo, regions } = NETWORKS[network];
  return protectBundled(zoo, regions, { onProgress: () => {}, ...options });
}

/** A site that audits nothing, for all attacks of a network that nobody stops; made when it is first asked for. */
function openOnce(made: ProtectedNetwork) {
  let opened: Promise<SiteUnderAttack> | null = null;
  return {
    site: () => {
      opened ??= makeSiteUnderAttack(made, { audit: { share: 0 } }).then(async (site) => {
        // As it was before there were audits: probabilities in steps of 1 %.
        await site.site.store.models.setOutput(NETWORK, 1, { output: 'rounded', step: 0.01 });
        return site;
      });
      return opened;
    },
    close: async () => (await opened)?.close(),
  };
}

async function runAudited(
  plan: Plan,
  excuse: Excuse,
  made: ProtectedNetwork,
  onProgress: (share: number) => void,
  signal: AbortSignal | undefined,
): Promise<AttackRow> {
  const site = await makeSiteUnderAttack(made, { excuse });
  try {
    return await runPlan(plan, site, onProgress, signal);
  } finally {
    await site.close();
  }
}

async function runPlan(
  { attack, network, size, excuse }: Plan,
  site: SiteUnderAttack,
  onProgress: (share: number) => void,
  signal: AbortSignal | undefined,
): Promise<AttackRow> {
  const begunMs = performance.now();
  const policy = await site.policy();
  const run = { site, policy, size, onProgress, ...(signal && { signal }) };
  let outcome = await attack.run(run);
  while (
    excuse !== null &&
    attack.goesOn &&
    site.caughtAfter() === null &&
    outcome.answersUsed < MOST_ANSWERS
  ) {
    const more = await attack.run(run);
    const [answersUsed, recovered, of] = (['answersUsed', 'recovered', 'of'] as const).map(
      (key) => outcome[key] + more[key],
    ) as [number, number, number];
    outcome = { ...outcome, answersUsed, recovered, of };
  }
  return {
    attack: attack.name,
    sentence: attack.sentence,
    network,
    policy: policyWords(policy),
    share: excuse === null ? 0 : site.share,
    excuse,
    ...outcome,
    // What was sent later was kept, and nobody saw it.
    answersUsed: site.caughtAfter() ?? outcome.answersUsed,
    caughtAfter: site.caughtAfter(),
    seconds: Math.round((performance.now() - begunMs) / 100) / 10,
  };
}
