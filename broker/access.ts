import { GatewayName, Name } from '#protocol/names.ts';
import { coversFilter, matchesFilter } from '#protocol/topic-filter.ts';
import { gatewayTopics, HOME_ASSISTANT, siteTopics, VIEWER_COMMON_NAME } from '#protocol/topics.ts';

/** Who a client is, according to its certificate. */
export type Identity =
  | { readonly kind: 'gateway'; readonly name: string }
  | { readonly kind: 'backend'; readonly name: 'backend' }
  | { readonly kind: 'cockpit'; readonly name: 'cockpit' }
  /** `viewer.NAME`, which no gateway can be called. */
  | { readonly kind: 'viewer'; readonly name: `viewer.${string}` };

/** A set of topics to write or to read, as an MQTT filter. */
export type WriteRule = { readonly filter: string; readonly retain: boolean };
export type Access = { readonly write: readonly WriteRule[]; readonly read: readonly string[] };

/**
 * The identity that a common name stands for, or null if there is none, if it is the broker's own, or if a gateway may not have it.
 *
 * @param unit organizational unit: the name of a viewer
 */
export function identityOf(commonName: unknown, unit: string | null = null): Identity | null {
  if (commonName === VIEWER_COMMON_NAME) {
    const name = Name.safeParse(unit);
    return name.success ? { kind: 'viewer', name: `viewer.${name.data}` } : null;
  }
  if (commonName === 'backend' || commonName === 'cockpit')
    return { kind: commonName, name: commonName } as Identity;
  const gateway = GatewayName.safeParse(commonName);
  return gateway.success ? { kind: 'gateway', name: gateway.data } : null;
}

/**
 * What an identity may write and read: the only table of access rules. The embedded broker uses it, and the access list of Mosquitto in
 * deploy/ is generated from it. Everything not listed is refused.
 */
export function accessOf(site: string, identity: Identity): Access {
  const { backendState, prefix } = siteTopics(site);
  const results = `${prefix}/results`;
  const alerts = `${prefix}/alerts`;
  if (identity.kind === 'gateway') {
    const own = gatewayTopics(site, identity.name);
    return {
      write: [...onceTopics(own), ...retainedTopics(own)],
      // Nothing of other gateways, and never a result: the gateway holds encrypted weights, so answers would be an oracle.
      read: [
        own.desired,
        own.command('+', '+'),
        own.bundleManifest,
        own.networkManifest('+'),
        own.softwareManifest,
        own.bundleChunk,
        own.trust,
        own.auditor,
        own.certificateIssued,
        own.receipt,
        backendState,
      ],
    };
  }
  const any = gatewayTopics(site, '+');
  if (identity.kind === 'backend') {
    return {
      write: [
        ...[any.command('+', '+'), any.bundleChunk, any.certificateIssued, any.receipt].map((filter) => ({
          filter,
          retain: false,
        })),
        ...[
          any.desired,
          any.bundleManifest,
          any.networkManifest('+'),
          any.softwareManifest,
          any.trust,
          any.auditor,
          backendState,
          `${results}/+`,
          `${results}/+/+`,
          `${alerts}/+/+`,
          HOME_ASSISTANT.device('+'),
        ].map((filter) => ({
          filter,
          retain: true,
        })),
      ],
      // And of Home Assistant that it has started, and what was told to it before.
      read: [`${prefix}/#`, HOME_ASSISTANT.device('+'), HOME_ASSISTANT.status],
    };
  }
  const isViewer = identity.kind === 'viewer';
  return {
    // As it is set up, Home Assistant says when it starts and leaves that as its last will: refused, it could not even connect. Nobody but the backend hears of it.
    write: isViewer ? [{ filter: HOME_ASSISTANT.status, retain: false }] : [],
    read: [
      `${results}/#`,
      `${alerts}/#`,
      any.state,
      any.health,
      any.cameraState('+'),
      // Home automation wants to know whether anybody would say so if something happened.
      ...(isViewer ? [backendState, HOME_ASSISTANT.device('+')] : []),
    ],
  };
}

/** Longest topic: ours have names of at most 32 characters, and at most seven levels. */
const TOPIC_MAX = 256;
/** What stands for other topics, and what is no text. */
const NO_TOPIC = /[+#\p{Cc}]/u;

/** Whether a message may be published, and retained if it is; a last will, too. */
export function mayWrite(access: Access, topic: string, retain: boolean): boolean {
  if (topic.length > TOPIC_MAX || NO_TOPIC.test(topic)) return false;
  return access.write.some((rule) => (rule.retain || !retain) && matchesFilter(rule.filter, topic));
}

/** Whether a subscription may be granted: everything its filter can match must be readable. */
export function maySubscribe(access: Access, filter: string): boolean {
  return access.read.some((allowed) => coversFilter(allowed, filter));
}

/** Whether a message may be delivered. */
export function mayRead(access: Access, topic: string): boolean {
  return access.read.some((allowed) => matchesFilter(allowed, topic));
}

type Topics = ReturnType<typeof gatewayTopics>;

function onceTopics(own: Topics): WriteRule[] {
  const topics = [
    own.health,
    own.log,
    own.inference('+'),
    own.answer('+', '+'),
    own.bundleRequest,
    own.certificateRequest,
  ];
  return topics.map((filter) => ({ filter, retain: false }));
}

function retainedTopics(own: Topics): WriteRule[] {
  return [own.birth, own.state, own.cameraState('+'), own.reported].map((filter) => ({
    filter,
    retain: true,
  }));
}
