import type { SiteState } from '#protocol/api.ts';
import { cameraDevice } from './camera-device.ts';
import type { DeviceDocument } from './device-document.ts';
import { EntityNames } from './entity-names.ts';
import { gatewayDevice } from './gateway-device.ts';
import { siteDevice } from './site-device.ts';

/** Largest number of entities of a device: its message must fit in what a broker carries. */
const MAX_COMPONENTS = 200;

/**
 * What Home Assistant is told of a site: a document for the site, each gateway and each camera, by the id of its device. Null for a camera whose gateway has not said yet what it
 * answers about, as after a start: what was told of it before stays.
 *
 * @param version of this software
 */
export function deviceDocuments(state: SiteState, version: string): Map<string, DeviceDocument | null> {
  const common = {
    o: { name: 'Blindsight', sw: version },
    qos: 1,
    // Home Assistant's own default is the newest message of any of the topics.
    availability_mode: 'all',
  } as const;
  const documents = new Map<string, DeviceDocument | null>([siteDevice(state, common)]);
  for (const gateway of state.gateways) documents.set(...gatewayDevice(state, gateway, common));
  for (const view of state.cameras) {
    const [id, document] = cameraDevice(state, view, common) ?? [
      new EntityNames(state.site, 'camera', view.camera).id,
      null,
    ];
    documents.set(id, document === null ? null : bounded(document));
  }
  return documents;
}

function bounded(document: DeviceDocument): DeviceDocument {
  const components = Object.entries(document.cmps);
  if (components.length <= MAX_COMPONENTS) return document;
  // The last are those of the camera itself.
  const kept = [...components.slice(0, MAX_COMPONENTS - 2), ...components.slice(-2)];
  return { ...document, cmps: Object.fromEntries(kept) };
}
