import type { ModelView } from '#protocol/api.ts';
import { isIdleLabel } from '#protocol/situation.ts';
import type { Component } from './device-document.ts';
import type { EntityNames } from './entity-names.ts';
import { literal, ofAnswer, onIf } from './template.ts';

/** Labels that get entities of their own; of a classification with more, the answer is one entity. */
const MAX_LABELS = 16;

export type AnswersAbout = {
  readonly model: ModelView;
  /** Where they are published. */
  readonly topic: string;
  /** The named region that they are about. */
  readonly region?: string;
  /** Names of the zones of the camera; those of a camera with named regions are not counted. */
  readonly zones: readonly string[];
};

/** The entities of the answers about a picture or region, by the task of its network, and by what its owner lets out. */
export function answerComponents(names: EntityNames, about: AnswersAbout): Record<string, Component> {
  const add = adder(names, about);
  const { task, labels } = about.model;
  if (task === undefined) addClassification(add, about.model);
  if (task === 'labels') addLabels(add, about.model);
  if (task === 'count' || task === 'map') for (const label of labels.slice(0, MAX_LABELS)) add.count(label);
  if (task === 'map' && about.model.output.output === 'rounded')
    for (const zone of about.zones) addZone(add, zone, labels.slice(0, MAX_LABELS));
  add.times();
  return add.components;
}

type Adder = ReturnType<typeof adder>;
type Of<P extends Component['p']> = Omit<
  Extract<Component, { readonly p: P }>,
  'name' | 'unique_id' | 'default_entity_id' | 'state_topic'
>;

function adder(names: EntityNames, { topic, region, model }: AnswersAbout) {
  const components: Record<string, Component> = {};
  const tellsChanges = model.output.output === 'event';
  const add = (
    parts: readonly string[],
    shown: readonly string[],
    name: string,
    rest: Of<'binary_sensor'> | Of<'sensor'>,
  ) => {
    const { key, ...ids } = names.of(
      rest.p,
      region === undefined ? parts : ['region', region, ...parts],
      region === undefined ? shown : [region, ...shown],
    );
    components[key] = {
      ...{ name: region === undefined ? name : `${region}: ${name}`, ...ids, state_topic: topic },
      ...rest,
    } as Component;
  };
  const percent = (value: string) => ({
    p: 'sensor' as const,
    state_class: 'measurement' as const,
    unit_of_measurement: '%' as const,
    // Steps are hundredths at least.
    value_template: ofAnswer(`{{ (${value} * 100 + 0.5) | int }}`, tellsChanges),
  });
  const count = (template: string) => ({
    p: 'sensor' as const,
    state_class: 'measurement' as const,
    value_template: ofAnswer(template, tellsChanges),
  });
  return {
    components,
    answer: (options: readonly string[]) =>
      add(['answer'], ['answer'], 'Answer', {
        p: 'sensor',
        device_class: 'enum',
        options,
        value_template: tellsChanges
          ? '{{ value_json.label }}'
          : // What is no option is complained of, so an answer that is not news says what is there.
            '{{ value_json.label if not value_json.historical else (this.state if this.state not in ["unknown", "unavailable"] else "None") }}',
      }),
    probability: () =>
      add(['probability'], ['probability'], 'Probability', percent('value_json.probability')),
    holds: (label: string, expression: string) =>
      add(['label', label], [label], capital(label), {
        p: 'binary_sensor',
        device_class: 'occupancy',
        value_template: ofAnswer(onIf(expression), tellsChanges),
      }),
    probabilityOf: (label: string) =>
      add(['probability', label], [label, 'probability'], `${capital(label)} probability`, {
        ...percent(`value_json.probabilities[${literal(label)}]`),
        enabled_by_default: false,
      }),
    count: (label: string) =>
      add(['count', label], [label, 'count'], capital(label), {
        ...count(`{{ value_json.counts[${literal(label)}] }}`),
      }),
    zoneCount: (zone: string, label: string, template: string) =>
      add(['zone', zone, 'count', label], [zone, label, 'count'], `${zone}: ${label}`, count(template)),
    occupied: (zone: string, template: string) =>
      add(['zone', zone, 'occupied'], [zone], zone, {
        p: 'binary_sensor',
        device_class: 'occupancy',
        value_template: ofAnswer(template, tellsChanges),
      }),
    /** They change with every answer, and Home Assistant keeps every change. */
    times: () => {
      const off = { entity_category: 'diagnostic', enabled_by_default: false } as const;
      add(['picture'], ['picture'], 'Picture taken', {
        ...{ p: 'sensor', device_class: 'timestamp', ...off },
        value_template: '{{ value_json.frameTime }}',
      });
      add(['latency'], ['latency'], 'Latency', {
        ...{ p: 'sensor', device_class: 'duration', state_class: 'measurement', unit_of_measurement: 'ms' },
        ...off,
        value_template: ofAnswer('{{ value_json.latencyMs.total }}', tellsChanges),
      });
    },
  };
}

function addClassification(add: Adder, { labels, output }: ModelView): void {
  add.answer(labels);
  if (output.output === 'rounded') add.probability();
  if (labels.length > MAX_LABELS) return;
  for (const label of labels.filter((one) => !isIdleLabel(one)))
    add.holds(label, `value_json.label == ${literal(label)}`);
}

function addLabels(add: Adder, { labels, output }: ModelView): void {
  for (const label of labels.slice(0, MAX_LABELS)) {
    add.holds(label, `${literal(label)} in value_json.labels`);
    if (output.output === 'rounded') add.probabilityOf(label);
  }
}

/** An answer from before the zone was drawn says nothing about it. */
function addZone(add: Adder, zone: string, labels: readonly string[]): void {
  const found = `value_json.zones | default([]) | selectattr("name", "eq", ${literal(zone)})`;
  const each = (body: string) => `{% for zone in ${found} %}${body}{% endfor %}`;
  const all = labels.map((label) => `zone.counts[${literal(label)}]`);
  add.occupied(zone, each(onIf(`${all.join(' + ')} > 0`)));
  for (const [index, label] of labels.entries()) add.zoneCount(zone, label, each(`{{ ${all[index]} }}`));
}

function capital(label: string): string {
  return label.charAt(0).toUpperCase() + label.slice(1);
}
