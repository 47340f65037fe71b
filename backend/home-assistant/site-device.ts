import type { SiteState } from '#protocol/api.ts';
import { siteTopics } from '#protocol/topics.ts';
import { alertComponent } from './alert-component.ts';
import type { DeviceDocument } from './device-document.ts';
import { EntityNames } from './entity-names.ts';
import { ONLINE, onIf } from './template.ts';

/** The site as a device: whether somebody opens answers and watches rules at all, and every alert in one entity. */
export function siteDevice(
  { site }: SiteState,
  common: Pick<DeviceDocument, 'o' | 'qos' | 'availability_mode'>,
): readonly [id: string, document: DeviceDocument] {
  const names = new EntityNames(site, 'site', site);
  const { backendState, alert } = siteTopics(site);
  const { key, ...ids } = names.of('binary_sensor', ['backend']);
  return [
    names.id,
    {
      dev: { ids: [names.id], name: `Blindsight ${site}`, mf: 'Blindsight', mdl: 'Site', sw: common.o.sw },
      ...common,
      availability: [{ topic: backendState, value_template: ONLINE }],
      cmps: {
        [key]: {
          ...{ p: 'binary_sensor', name: 'Backend', device_class: 'connectivity', ...ids },
          ...{ state_topic: backendState, entity_category: 'diagnostic', availability: [] },
          value_template: onIf('value_json is defined and value_json.state == "online"'),
        },
        ...alertComponent(names, alert('+', '+'), null),
      },
    },
  ];
}
