const ROOT = 'blindsight/v1';

/** Names that a gateway cannot have because they are subtrees of a site. */
export const RESERVED_GATEWAY_NAMES = ['backend', 'results', 'alerts', 'cockpit', 'broker'] as const;

/** Common name of every viewer's certificate; the name of the one is its organizational unit. With its dot, no gateway can have it. */
export const VIEWER_COMMON_NAME = 'viewer.readonly';

/** Site, gateway and camera names: lower case, digits and hyphens (not at the ends), at most 32 characters: safe in topics, file names and URLs. */
export const NAME_PATTERN = /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/;

/** Topics of one gateway; the direction is the comment. */
export function gatewayTopics(site: string, gateway: string) {
  const prefix = `${ROOT}/${site}/${gateway}`;
  return {
    prefix,
    /** gateway → all, each connect; JSON {@link Birth} */
    birth: `${prefix}/birth`,
    /** gateway → all, retained, also the last will; JSON {@link GatewayState} */
    state: `${prefix}/state`,
    /** gateway → all; JSON {@link Health} */
    health: `${prefix}/health`,
    /** gateway → all; JSON {@link LogEvent} */
    log: `${prefix}/log`,
    /** gateway → all, retained; JSON {@link CameraState} */
    cameraState: (camera: string) => `${prefix}/camera/${camera}/state`,
    /** gateway → backend, QoS 0; CBOR envelope */
    inference: (camera: string) => `${prefix}/camera/${camera}/inference`,
    /** backend → gateway, retained; CBOR signed configuration that the gateway should run */
    desired: `${prefix}/desired`,
    /** gateway → all, retained; JSON {@link Reported} */
    reported: `${prefix}/reported`,
    /** backend → gateway */
    command: (type: string, id: string) => `${prefix}/command/${type}/${id}`,
    /** gateway → backend */
    answer: (type: string, id: string) => `${prefix}/answer/${type}/${id}`,
    /** backend → gateway, retained; CBOR signed manifest of the bundle that the gateway should run */
    bundleManifest: `${prefix}/bundle/manifest`,
    /** backend → gateway, retained; the same of a network beside that one, which cameras name */
    networkManifest: (network: string) => `${prefix}/bundle/manifest/${network}`,
    /** gateway → backend; JSON {@link ChunkRequest} */
    bundleRequest: `${prefix}/bundle/request`,
    /** backend → gateway; CBOR {@link Chunk} */
    bundleChunk: `${prefix}/bundle/chunk`,
    /** backend → gateway, retained; CBOR signed release of the agent's software that the gateway should run; parts come like those of bundles */
    softwareManifest: `${prefix}/software/manifest`,
    /** backend → gateway, retained; CBOR: which keys the owner signs with now, and what is newest */
    trust: `${prefix}/trust`,
    /** backend → gateway, retained; CBOR {@link AuditorKey} signed by the owner: to whom openings are sealed */
    auditor: `${prefix}/auditor`,
    /** gateway → backend; CBOR {@link RenewalRequest} signed by the gateway: asks for another certificate for its key */
    certificateRequest: `${prefix}/certificate/request`,
    /** backend → gateway; JSON {@link RenewalAnswer} */
    certificateIssued: `${prefix}/certificate/issued`,
    /** backend → gateway, QoS 0; JSON {@link Receipt}: which envelopes the backend holds durably */
    receipt: `${prefix}/receipt`,
  };
}

/** Topics of a site that belong to the backend. Gateways may read `backendState` and nothing else here. */
export function siteTopics(site: string) {
  const prefix = `${ROOT}/${site}`;
  return {
    prefix,
    /** backend → all, retained, also its last will; JSON {@link BackendState} */
    backendState: `${prefix}/backend/state`,
    /** backend → cockpit, retained; JSON {@link Result}. Gateways cannot read this tree. */
    result: (camera: string, region?: string) =>
      `${prefix}/results/${camera}${region === undefined ? '' : `/${region}`}`,
    /** Answers about entire pictures, or about the only region of a camera. */
    results: `${prefix}/results/+`,
    /** Answers about named regions of cameras that have several. */
    regionResults: `${prefix}/results/+/+`,
    /** backend → cockpit, retained while it is open; JSON {@link AlertView}. `subject` as `subjectLevel` says. Gateways cannot read this tree. */
    alert: (rule: string, subject: string) => `${prefix}/alerts/${rule}/${subject}`,
    alerts: `${prefix}/alerts/+/+`,
    /** What the backend subscribes to. */
    inferences: `${prefix}/+/camera/+/inference`,
    anyGateway: (leaf: string) => `${prefix}/+/${leaf}`,
  };
}

/**
 * Topics of Home Assistant beside those of the site: how it learns of devices, and what it says itself. Both are its own defaults
 * (home-assistant.io, integrations/mqtt, "Discovery topic" and "Birth and last will messages").
 */
export const HOME_ASSISTANT = {
  /** Home Assistant → backend, also its last will: `online` or `offline` */
  status: 'homeassistant/status',
  /** backend → Home Assistant, retained; JSON, empty when the device is gone */
  device: (id: string) => `homeassistant/device/${id}/config`,
} as const;
