import type { GatewayView, WantedModel } from '#protocol/api.ts';
import type { ErrorCode } from '#protocol/errors.ts';
import { ERRORS } from '#protocol/errors.ts';
import type { ReportedBundle } from '#protocol/messages.ts';
import { EN, type Words } from '../words/en.ts';
import { formatPercent } from './format.ts';
import type { Tone } from './tone.ts';

export type GatewayWords = { readonly tone: Tone; readonly word: string };

/** Link state of a gateway; quarantine outranks it, because its answers are no longer opened. */
export function gatewayWords(
  gateway: GatewayView,
  { gateways: { states } }: Pick<Words, 'gateways'> = EN,
): GatewayWords {
  if (gateway.quarantine !== null) return { tone: 'bad', word: states.quarantined };
  if (gateway.state === 'online') return { tone: 'good', word: states.online };
  if (gateway.state === 'offline') return { tone: 'bad', word: states.offline };
  return { tone: 'wait', word: states.unseen };
}

export type DeploymentWords = {
  readonly tone: Tone;
  readonly text: string;
  /** 0 to 1 while a bundle is fetched, null otherwise. */
  readonly progress: number | null;
};

/** The network of a gateway that answers about a camera. @param name as the settings of the camera name it; else the default one */
export function networkOf(
  { model, beside, reported }: GatewayView,
  name?: string,
): { readonly model: WantedModel | null; readonly bundle: ReportedBundle | undefined } {
  if (name === undefined || name === model?.name) return { model, bundle: reported?.bundle };
  return {
    model: beside.find((one) => one.name === name) ?? null,
    bundle: reported?.networks?.find(({ network }) => network === name),
  };
}

/** How far the gateway has got with a network it should run, see {@link networkOf}; null when there is nothing to report. */
export function deploymentWords(
  gateway: GatewayView,
  name?: string,
  { gateways: { deployment } }: Pick<Words, 'gateways'> = EN,
): DeploymentWords | null {
  const { model, bundle } = networkOf(gateway, name);
  const wanted = model === null ? deployment.someNetwork : modelName(model);
  if (bundle === undefined && model !== null && model !== gateway.model)
    return { tone: 'wait', text: deployment.onceNamed(wanted), progress: null };
  if (bundle === undefined || bundle.status === 'none') {
    return model === null
      ? { tone: 'wait', text: deployment.none, progress: null }
      : { tone: 'wait', text: deployment.waiting(wanted), progress: null };
  }
  switch (bundle.status) {
    case 'fetching':
      return {
        tone: 'wait',
        text: deployment.fetching(wanted, formatPercent(bundle.progress)),
        progress: bundle.progress,
      };
    case 'testing':
      return { tone: 'wait', text: deployment.testing(wanted), progress: 1 };
    case 'refused':
      return {
        tone: 'bad',
        text: `${deployment.refused(wanted)} ${errorWords(bundle.error)}`.trim(),
        progress: null,
      };
    case 'rolled-back':
      return {
        tone: 'warn',
        text: `${deployment.rolledBack(wanted)} ${errorWords(bundle.error)}`.trim(),
        progress: null,
      };
    case 'active':
      if (model?.retired === true) return { tone: 'warn', text: deployment.retired(wanted), progress: null };
      return staleWords(gateway, deployment.stale);
  }
}

/** What a gateway says that takes nothing new, because it has not heard for too long what is newest. */
function staleWords({ reported }: GatewayView, stale: string): DeploymentWords | null {
  if (reported?.trust?.status !== 'stale') return null;
  return {
    tone: 'warn',
    text: `${stale} ${errorWords(reported.trust.error)}`.trim(),
    progress: null,
  };
}

/** All networks that a gateway should have, the default one first: `counter v3, carpark v1`. */
export function networkNames({ model, beside }: GatewayView): string {
  return [...(model === null ? [] : [model]), ...beside].map(modelName).join(', ');
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
