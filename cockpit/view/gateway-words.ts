import type { GatewayView } from '#protocol/api.ts';
import type { ErrorCode } from '#protocol/errors.ts';
import { ERRORS } from '#protocol/errors.ts';
import { formatPercent } from './format.ts';
import type { Tone } from './tone.ts';

export type GatewayWords = { readonly tone: Tone; readonly word: string };

/** Link state of a gateway; quarantine outranks it, because its answers are no longer opened. */
export function gatewayWords(gateway: GatewayView): GatewayWords {
  if (gateway.quarantine !== null) return { tone: 'bad', word: 'Quarantined' };
  if (gateway.state === 'online') return { tone: 'good', word: 'Online' };
  if (gateway.state === 'offline') return { tone: 'bad', word: 'Offline' };
  return { tone: 'wait', word: 'Never seen' };
}

export type DeploymentWords = {
  readonly tone: Tone;
  readonly text: string;
  /** 0 to 1 while a bundle is fetched, null otherwise. */
  readonly progress: number | null;
};

/** How far the gateway has got with the network it should run; null when there is nothing to report. */
export function deploymentWords(gateway: GatewayView): DeploymentWords | null {
  const wanted = gateway.model === null ? 'a network' : modelName(gateway.model);
  const bundle = gateway.reported?.bundle;
  if (bundle === undefined || bundle.status === 'none') {
    return gateway.model === null
      ? { tone: 'wait', text: 'No network deployed yet.', progress: null }
      : { tone: 'wait', text: `Waiting to fetch ${wanted}.`, progress: null };
  }
  switch (bundle.status) {
    case 'fetching':
      return {
        tone: 'wait',
        text: `Fetching ${wanted}: ${formatPercent(bundle.progress)}`,
        progress: bundle.progress,
      };
    case 'testing':
      return { tone: 'wait', text: `Testing ${wanted} before it goes live.`, progress: 1 };
    case 'refused':
      return { tone: 'bad', text: `Refused ${wanted}. ${errorWords(bundle.error)}`.trim(), progress: null };
    case 'rolled-back':
      return {
        tone: 'warn',
        text: `${wanted} failed its self-test; the previous network keeps running. ${errorWords(bundle.error)}`.trim(),
        progress: null,
      };
    case 'active':
      if (gateway.model?.retired === true)
        return { tone: 'warn', text: `${wanted} is retired. Deploy another network.`, progress: null };
      return staleWords(gateway);
  }
}

/** What a gateway says that takes nothing new, because it has not heard for too long what is newest. */
function staleWords({ reported }: GatewayView): DeploymentWords | null {
  if (reported?.trust?.status !== 'stale') return null;
  return {
    tone: 'warn',
    text: `Accepts nothing new. ${errorWords(reported.trust.error)}`.trim(),
    progress: null,
  };
}

/** A network and its version as one name: `counter v3`. */
export function modelName(model: { readonly name: string; readonly version: number }): string {
  return `${model.name} v${model.version}`;
}

/** A reason that a gateway gave, and what can be done about it. */
export function errorWords(error: { readonly code: string; readonly message: string } | null): string {
  if (error === null) return '';
  const action = actionFor(error.code);
  return [`${error.message} (${error.code}).`, action].filter(Boolean).join(' ');
}

/** What the registry says to do about a code; empty for a code from another version. */
export function actionFor(code: string): string {
  return Object.hasOwn(ERRORS, code) ? ERRORS[code as ErrorCode].action : '';
}
