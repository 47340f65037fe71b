import type { Component } from './device-document.ts';
import type { EntityNames } from './entity-names.ts';
import { literal } from './template.ts';

/** What of an alert an event tells besides its type. */
const TOLD = {
  rule: 'value_json.rule',
  severity: 'value_json.severity',
  title: 'value_json.title',
  message: 'value_json.message',
  subject: 'value_json.subject.name',
  region: 'value_json.subject.region | default("")',
  zone: 'value_json.subject.zone | default("")',
  times: 'value_json.times',
} as const;

/**
 * Alerts about a camera or gateway, or all of a site, as an event entity. A message that the broker kept is no event to Home Assistant, so nothing happens again when it
 * restarts; the empty message that clears an alert makes none.
 *
 * @param topics filter of the alerts of the site
 */
export function alertComponent(
  names: EntityNames,
  topics: string,
  about: { readonly kind: 'camera' | 'gateway'; readonly name: string } | null,
): Record<string, Component> {
  const { key, ...ids } = names.of('event', ['alert']);
  const type = '"ended" if value_json.ended else ("acknowledged" if value_json.acknowledged else "raised")';
  const event = [
    `"event_type": ${type}`,
    ...Object.entries(TOLD).map(([name, value]) => `"${name}": ${value}`),
  ];
  const isMeant = [
    'value_json is defined',
    ...(about === null
      ? []
      : [
          `value_json.subject.kind == ${literal(about.kind)}`,
          `value_json.subject.name == ${literal(about.name)}`,
        ]),
  ].join(' and ');
  return {
    [key]: {
      ...{ p: 'event', name: 'Alert', ...ids, state_topic: topics },
      event_types: ['raised', 'acknowledged', 'ended'],
      value_template: `{% if ${isMeant} %}{{ {${event.join(', ')}} | tojson }}{% endif %}`,
    },
  };
}
