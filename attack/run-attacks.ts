import type { ProtectedNetwork } from '#backend/protection/protect-task.ts';
import type { Attack } from './attack.ts';
import type { AttackRow } from './attack-row.ts';
import { ATTACKS } from './attacks/index.ts';
import type { Excuse } from './excuse.ts';
import { policyWords } from './policy.ts';
import { protectBundled } from './protect.ts';
import { type CaughtAfter, selectionRuns } from './selection-runs.ts';
import { makeSiteUnderAttack, NETWORK } from './site-under-attack.ts';

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
  /** Of the present share of audits. */
  readonly chosenAfter: CaughtAfter & { readonly share: number };
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
const SELECTION_RUNS = 200;

function before(network: Plan['network'], attack: Attack, size: number, cost: number): Plan {
  return { attack, network, size, excuse: null, cost };
}

function after(network: Plan['network'], attack: Attack, excuse: Excuse, cost = 5): Plan {
  return { attack, network, size: 1, excuse, cost };
}

const A = ATTACKS;
const PLANS: readonly Plan[] = [
  before('e2dm', A.keyRecovery, 1, 18),
  before('e2dm', A.weightsAtOutput, 0.5, 2),
  before('e2dm', A.betweenLayers, 0.5, 2),
  before('e2dm', A.keyAtInput, 1, 2),
  before('e2dm', A.forgedLogits, 1, 1),
  before('e2dm', A.replay, 1, 1),
  after('e2dm', A.keyRecovery, 'another-opening', 5),
  after('e2dm', A.keyRecovery, 'silent', 9),
  after('e2dm', A.weightsAtOutput, 'another-opening'),
  after('e2dm', A.betweenLayers, 'another-opening'),
  after('e2dm', A.keyAtInput, 'another-opening'),
  after('e2dm', A.forgedLogits, 'garbage'),
  after('e2dm', A.replay, 'another-opening'),
  after('e2dm', A.dates, 'another-opening', 1),
  after('e2dm', A.burst, 'another-opening', 3),
  before('counter', A.keyRecovery, 1 / 128, 3),
  after('counter', A.keyRecovery, 'another-opening', 5),
  before('carpark × 4', A.keyRecovery, 1 / 128, 3),
];

/** Runs every attack on this machine against a site in memory, without and with what stops it; about a minute and a half on two cores. */
export async function runAttacks({ onProgress, signal }: RunAttacksOptions): Promise<AttackReport> {
  const begunMs = performance.now();
  const total =
    PLANS.reduce((sum, { cost }) => sum + cost, 0) +
    Object.values(NETWORKS).reduce((sum, { cost }) => sum + cost, 0);
  let done = 0;
  const step = (text: string, cost: number) => (share: number) =>
    onProgress(text, (done + cost * share) / total);
  const rows: AttackRow[] = [];
  let chosenAfter: AttackReport['chosenAfter'] | null = null;
  for (const [network, { zoo, regions, cost }] of Object.entries(NETWORKS)) {
    const progress = step(`protecting ${network}`, cost);
    const made = await protectBundled(zoo, regions, { onProgress: progress, ...(signal && { signal }) });
    done += cost;
    for (const plan of PLANS.filter((one) => one.network === network)) {
      signal?.throwIfAborted();
      const text = `${plan.attack.name} on ${network}${plan.excuse === null ? '' : ', audited'}`;
      const { row, chosen } = await runPlan(plan, made, step(text, plan.cost), chosenAfter === null, signal);
      rows.push(row);
      chosenAfter ??= chosen;
      done += plan.cost;
    }
  }
  return { rows, chosenAfter: chosenAfter!, seconds: (performance.now() - begunMs) / 1000 };
}

async function runPlan(
  { attack, network, size, excuse }: Plan,
  made: ProtectedNetwork,
  onProgress: (share: number) => void,
  withRuns: boolean,
  signal: AbortSignal | undefined,
): Promise<{ row: AttackRow; chosen: AttackReport['chosenAfter'] | null }> {
  const begunMs = performance.now();
  const audit = excuse === null ? { share: 0 } : {};
  const site = await makeSiteUnderAttack(made, { audit, ...(excuse !== null && { excuse }) });
  try {
    // Without audits as it was without them: probabilities in steps of 1 %.
    if (excuse === null)
      await site.site.store.models.setOutput(NETWORK, 1, { output: 'rounded', step: 0.01 });
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
    const share = excuse === null ? 0 : site.share;
    const row: AttackRow = {
      attack: attack.name,
      sentence: attack.sentence,
      network,
      policy: policyWords(policy),
      share,
      excuse,
      ...outcome,
      // What was sent later was kept, and nobody saw it.
      answersUsed: site.caughtAfter() ?? outcome.answersUsed,
      caughtAfter: site.caughtAfter(),
      seconds: Math.round((performance.now() - begunMs) / 100) / 10,
    };
    const chosen =
      excuse !== null && withRuns
        ? { ...(await selectionRuns(site.site, share, SELECTION_RUNS)), share }
        : null;
    return { row, chosen };
  } finally {
    await site.close();
  }
}
