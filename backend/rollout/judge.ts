import type { ErrorCode } from '#protocol/errors.ts';
import type { GatewayRecord } from '../store/gateways.ts';
import type {
  Reason,
  ReleaseFacts,
  RolloutGatewayRecord,
  RolloutGatewayState,
  RolloutRecord,
  Target,
} from '../store/rollouts.ts';

/** What the next step of a gateway is: its release, or how it ended; null where there is nothing to do. */
export type Verdict =
  | { readonly act: 'release' }
  | { readonly act: 'end'; readonly state: RolloutGatewayState; readonly error: Reason | null }
  | null;

/** Refusals after which a gateway tries again by itself, or once it has heard of other owner keys, has a fresh timestamp, or has the memory. */
const PASSING: readonly string[] = [
  'BUNDLE_DIGEST',
  'BUNDLE_UNAVAILABLE',
  'BUNDLE_SIGNATURE',
  'SOFTWARE_DIGEST',
  'SOFTWARE_UNAVAILABLE',
  'SOFTWARE_MEMORY',
  'SOFTWARE_NO_ROOM',
  'SOFTWARE_DAMAGED',
  'SOFTWARE_SIGNATURE',
  'TRUST_STALE',
  'TRUST_OLD',
  'TRUST_EXPIRED',
  'FHE_DISK',
  'FHE_MEMORY',
  'NETWORK_MEMORY',
] satisfies ErrorCode[];

export type Evidence = {
  readonly rollout: Pick<RolloutRecord, 'state' | 'wave' | 'limitMs'>;
  readonly row: RolloutGatewayRecord;
  /** Null for one that was removed. */
  readonly gateway: GatewayRecord | null;
  readonly facts: ReleaseFacts | undefined;
  /** What a gateway says that it runs, where software is released. */
  readonly runs: string | null;
  /** Whether no camera names the network, so that the gateway will not fetch it. */
  readonly isUnnamed: boolean;
  /** Whether the gateway's own time limit is over. */
  readonly isOver: boolean;
};

const end = (state: RolloutGatewayState, code: string | null = null, message = ''): Verdict => ({
  act: 'end',
  state,
  error: code === null ? null : { code, message },
});

/** Decides about one gateway of a rollout; changes nothing. */
export function judgeGateway(evidence: Evidence): Verdict {
  const { row, gateway } = evidence;
  if (row.state === 'done') return judgeDone(evidence);
  if (row.state !== 'waiting' && row.state !== 'released') return null;
  if (gateway === null) return end('skipped', 'GATEWAY_REMOVED', 'the gateway was removed');
  if (gateway.signingKey !== row.signingKey)
    return end('skipped', 'ROLLOUT_REPLACED', 'another machine took the place of this gateway');
  return row.state === 'waiting' ? judgeWaiting(evidence, gateway) : judgeReleased(evidence, gateway);
}

function judgeWaiting({ rollout, row, facts, runs }: Evidence, { quarantine }: GatewayRecord): Verdict {
  if (quarantine !== null) return end('skipped', 'GATEWAY_QUARANTINED', quarantine.reason);
  const newest = facts?.newest ?? null;
  if ((newest?.digest ?? null) !== row.base) return overtaken(newest?.target);
  if (rollout.state !== 'running' || row.wave > rollout.wave) return null;
  // One that never had a release may have come with this software, and one that went back runs what it ran before.
  const isTarget = newest?.target.name === row.target.name && newest.target.version === row.target.version;
  const runsIt = newest === null ? runs === row.target.version : newest.status === 'active' && isTarget;
  return runsIt ? end('done') : { act: 'release' };
}

function judgeReleased(
  { rollout, row, facts, isUnnamed, isOver }: Evidence,
  { quarantine }: GatewayRecord,
): Verdict {
  if (facts?.status === 'active') return end('done');
  const failure = failureOf(facts);
  if (failure?.isFinal) return { act: 'end', state: 'failed', error: failure.error };
  if (facts?.newest?.digest !== row.digest) return overtaken(facts?.newest?.target);
  if (quarantine !== null) return end('failed', 'GATEWAY_QUARANTINED', quarantine.reason);
  if (isUnnamed)
    return end(
      'failed',
      'ROLLOUT_UNNAMED',
      `no camera of ${row.gateway} names the network ${row.target.name}`,
    );
  if (!isOver) return null;
  const minutes = Math.max(1, Math.round(rollout.limitMs / 60_000));
  const last = failure === null ? '' : `; it last said ${failure.error.code}: ${failure.error.message}`;
  return end('timed-out', 'ROLLOUT_NO_ANSWER', `it did not run the release within ${minutes} min${last}`);
}

/** A gateway may give a release up after it ran for a while: that must stop the waves that come. */
function judgeDone({ row, facts }: Evidence): Verdict {
  if (row.digest === null || facts?.newest?.digest !== row.digest) return null;
  const failure = failureOf(facts);
  return failure?.isFinal ? { act: 'end', state: 'failed', error: failure.error } : null;
}

function overtaken(by: Target | undefined): Verdict {
  const what = by === undefined ? 'Something else' : `${by.name} version ${by.version}`;
  return end('skipped', 'ROLLOUT_OVERTAKEN', `${what} was released to it meanwhile`);
}

function failureOf(
  facts: ReleaseFacts | undefined,
): { readonly error: Reason; readonly isFinal: boolean } | null {
  if (facts?.status !== 'refused' && facts?.status !== 'rolled-back') return null;
  const [, code, message] = /^([A-Z][A-Z0-9_]*): (.*)$/s.exec(facts.detail ?? '') ?? [];
  const error = { code: code ?? 'RELEASE_REFUSED', message: message ?? 'it did not say why' };
  return { error, isFinal: facts.status === 'rolled-back' || !PASSING.includes(error.code) };
}
