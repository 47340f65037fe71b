import type { AlertSubject } from '#protocol/alert.ts';
import type { CameraView, GatewayView, SiteState } from '#protocol/api.ts';
import type { RuleCondition } from '#protocol/rule.ts';

/** What the state of the site says about one subject of a rule. */
export type Fact = {
  readonly subject: AlertSubject;
  /** Null where it is not known now: nothing is raised or ended by that. */
  readonly holds: boolean | null;
  /** What was found, in words. */
  readonly finding: string;
  /** Of drops: how many there were since the gateway started; then `holds` is whether that is known. */
  readonly amount?: number;
};

const DAY_MS = 86_400_000;

/** What the state of the site says about each subject of a rule; nothing for rules about answers and their absence. */
export function siteFacts(when: RuleCondition, state: SiteState): Fact[] {
  const isMeant = (names: 'all' | readonly string[], name: string) => names === 'all' || names.includes(name);
  switch (when.kind) {
    case 'answer':
    case 'absence':
      return [];
    case 'camera-state':
      return state.cameras
        .filter(({ camera }) => isMeant(when.cameras, camera))
        .map((camera) => cameraFact(when.states, camera, state));
    case 'unusual':
      return state.cameras.filter(({ camera }) => isMeant(when.cameras, camera)).flatMap(unusualFacts);
    case 'gateway-state':
      return state.gateways
        .filter(({ name }) => isMeant(when.gateways, name))
        .map((gateway) => gatewayFact(when.states, gateway, state));
    case 'drops':
      return state.gateways.filter(({ name }) => isMeant(when.gateways, name)).map(dropsFact);
    case 'certificate':
      return certificateFacts(when.days, state);
    default:
      throw new Error(`no rule of this kind: ${JSON.stringify(when satisfies never)}`);
  }
}

/** While there is no broker, what gateways said last tells nothing about now. */
const isKnown = ({ broker }: SiteState): boolean => broker.connected;

function cameraFact(
  states: readonly string[],
  { camera, gateway, state }: CameraView,
  site: SiteState,
): Fact {
  const isOnline = site.gateways.some(({ name, state: now }) => name === gateway && now === 'online');
  const now = isOnline ? (state?.state ?? 'unknown') : 'unknown';
  const detail = isOnline && state !== null && state.detail !== '' ? `: ${state.detail}` : '';
  return {
    subject: { kind: 'camera', name: camera },
    holds: isKnown(site) ? states.includes(now) : null,
    finding: now === 'unknown' ? 'nothing is known of the camera' : `camera ${now}${detail}`,
  };
}

function unusualFacts({ camera, regions, unusual }: CameraView): Fact[] {
  const places = regions.length === 0 ? [undefined] : regions.map(({ region }) => region);
  return places.map((region) => ({
    subject: { kind: 'camera', name: camera, ...(region !== undefined && { region }) },
    holds: unusual.some((one) => one.region === region),
    finding: 'unusual pictures',
  }));
}

function gatewayFact(states: readonly string[], gateway: GatewayView, site: SiteState): Fact {
  const isTwice = gateway.runsTwiceSince !== null && states.includes('runs-twice');
  const isQuarantined = gateway.quarantine !== null && states.includes('quarantine');
  const finding = isQuarantined
    ? `in quarantine: ${gateway.quarantine?.reason}`
    : isTwice
      ? 'gateway runs twice'
      : gateway.state === 'unknown'
        ? 'gateway has not said anything'
        : `gateway ${gateway.state}`;
  return {
    subject: { kind: 'gateway', name: gateway.name },
    holds: isQuarantined || isTwice || (isKnown(site) ? states.includes(gateway.state) : null),
    finding,
  };
}

function dropsFact({ name, health }: GatewayView): Fact {
  const amount = (health?.outbox.dropped ?? 0) + (health?.pictures?.failed ?? 0);
  return {
    subject: { kind: 'gateway', name },
    holds: health === null ? null : true,
    finding: `${amount} answers lost`,
    amount,
  };
}

function certificateFacts(days: number, { endingCertificates, gateways, site, time }: SiteState): Fact[] {
  const ofGateways = gateways.flatMap(({ name, certificateEnds: ends }) =>
    ends === null ? [] : [{ owner: 'gateway' as const, name, ends }],
  );
  const certificates = [...ofGateways, ...endingCertificates.filter(({ owner }) => owner !== 'gateway')];
  const facts = certificates.map(({ owner, name, ends }): Fact => {
    const leftMs = Date.parse(ends) - Date.parse(time);
    return {
      subject: owner === 'gateway' ? { kind: 'gateway', name } : { kind: 'site', name: owner },
      holds: leftMs < days * DAY_MS,
      finding: leftMs < 0 ? `certificate expired on ${ends}` : `certificate expires on ${ends}`,
    };
  });
  // Of backend and broker, only those that expire soon are told of.
  const missing = (['backend', 'broker'] as const).filter(
    (owner) => !certificates.some((one) => one.owner === owner),
  );
  return [
    ...facts,
    ...missing.map(
      (name): Fact => ({
        subject: { kind: 'site', name },
        holds: false,
        finding: `${site}: certificate valid`,
      }),
    ),
  ];
}
