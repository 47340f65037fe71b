import type { GatewayView, SiteState } from '#protocol/api.ts';
import { gatewayTopics, siteTopics } from '#protocol/topics.ts';
import { alertComponent } from './alert-component.ts';
import type { Component, DeviceDocument } from './device-document.ts';
import { EntityNames } from './entity-names.ts';
import { ONLINE, onIf } from './template.ts';

type Sensor = Extract<Component, { readonly p: 'sensor' }>;
type Figure = Pick<Sensor, 'name' | 'device_class' | 'state_class' | 'unit_of_measurement'> & {
  /** In the JSON of `Health`; a null is not known. */
  readonly value: string;
  /** Changes with every message, or is of interest to few. */
  readonly isOff?: true;
};

const FIGURES: Readonly<Record<string, Figure>> = {
  cpu: { name: 'Processor', value: 'cpuPercent', unit_of_measurement: '%', state_class: 'measurement' },
  memory: { name: 'Memory', value: 'memoryPercent', unit_of_measurement: '%', state_class: 'measurement' },
  temperature: {
    ...{ name: 'Temperature', value: 'temperatureCelsius', device_class: 'temperature' },
    ...{ unit_of_measurement: '°C', state_class: 'measurement' },
  },
  disk_free: {
    name: 'Disk free',
    value: 'diskFreePercent',
    unit_of_measurement: '%',
    state_class: 'measurement',
  },
  waiting: { name: 'Answers waiting', value: 'outbox.waiting', state_class: 'measurement' },
  waiting_bytes: {
    ...{ name: 'Bytes waiting', value: 'outbox.bytes', device_class: 'data_size' },
    ...{ unit_of_measurement: 'B', state_class: 'measurement', isOff: true },
  },
  oldest: {
    ...{ name: 'Oldest answer waiting', value: 'outbox.oldestSeconds', device_class: 'duration' },
    ...{ unit_of_measurement: 's', state_class: 'measurement', isOff: true },
  },
  lost: { name: 'Answers lost', value: 'outbox.dropped', state_class: 'total_increasing' },
  process: {
    ...{ name: 'Memory of the program', value: 'processMegabytes', device_class: 'data_size' },
    ...{ unit_of_measurement: 'MB', state_class: 'measurement', isOff: true },
  },
  uptime: {
    ...{ name: 'Runs for', value: 'uptimeSeconds', device_class: 'duration' },
    ...{ unit_of_measurement: 's', state_class: 'measurement', isOff: true },
  },
};

/** A gateway: whether it is there, and its health. */
export function gatewayDevice(
  { site }: SiteState,
  { name, version }: GatewayView,
  common: Pick<DeviceDocument, 'o' | 'qos' | 'availability_mode'>,
): readonly [id: string, document: DeviceDocument] {
  const names = new EntityNames(site, 'gateway', name);
  const { state, health } = gatewayTopics(site, name);
  const { backendState, alert } = siteTopics(site);
  const connected = names.of('binary_sensor', ['connected']);
  const trouble = names.of('binary_sensor', ['losing_answers']);
  const cmps: Record<string, Component> = {
    [connected.key]: {
      ...{ p: 'binary_sensor', name: 'Connected', device_class: 'connectivity', ...idsOf(connected) },
      ...{ state_topic: state, entity_category: 'diagnostic' },
      value_template: onIf('value_json is defined and value_json.state == "online"'),
      // The broker itself says when a gateway is gone, whoever else is there.
      availability: [],
    },
    [trouble.key]: {
      ...{ p: 'binary_sensor', name: 'Losing answers', device_class: 'problem', ...idsOf(trouble) },
      ...{ state_topic: health, entity_category: 'diagnostic' },
      value_template: onIf('value_json.outbox.trouble is defined'),
    },
  };
  for (const [part, { value, isOff, ...figure }] of Object.entries(FIGURES)) {
    const { key, ...ids } = names.of('sensor', [part]);
    cmps[key] = {
      ...{ p: 'sensor', ...figure, ...ids, state_topic: health, entity_category: 'diagnostic' },
      value_template: `{{ "None" if value_json.${value} is none else value_json.${value} }}`,
      ...(isOff && { enabled_by_default: false }),
    };
  }
  for (const [key, one] of Object.entries(alertComponent(names, alert('+', '+'), { kind: 'gateway', name })))
    cmps[key] = { ...one, availability: [{ topic: backendState, value_template: ONLINE }] };
  return [
    names.id,
    {
      dev: {
        ...{ ids: [names.id], name, mf: 'Blindsight', mdl: 'Gateway' },
        ...(version !== null && { sw: version }),
      },
      ...common,
      availability: [{ topic: state, value_template: ONLINE }],
      cmps,
    },
  ];
}

function idsOf({ unique_id, default_entity_id }: ReturnType<EntityNames['of']>) {
  return { unique_id, default_entity_id };
}
