import { Template } from '@huggingface/jinja';
import { matchesFilter } from '#protocol/topic-filter.ts';
import { type DiscoveredEntity, readDeviceMessage } from './home-assistant-rules.ts';

type Message = { readonly topic: string; readonly payload: string; readonly retain: boolean };
type Json = Readonly<Record<string, unknown>>;

/** An entity, and what it shows. */
export type ShownEntity = {
  readonly config: DiscoveredEntity;
  readonly device: string;
  /** `unknown` before the first message, `unavailable` while one of its topics says so. */
  readonly state: string;
  /** Of an event entity, all that happened. */
  readonly events: readonly Json[];
};

type Entity = { -readonly [K in keyof ShownEntity]: ShownEntity[K] } & {
  readonly events: Json[];
  readonly available: Map<string, boolean>;
};

/** A template that was rendered, so that others can render it, too. */
export type Rendered = { readonly template: string; readonly variables: Json; readonly text: string };

/**
 * As much of Home Assistant's MQTT integration as reads what a site tells: discovery, availability, and the states of binary sensors, sensors and events
 * (home-assistant/core, components/mqtt: discovery.py, entity.py, binary_sensor.py, sensor.py, event.py). Whatever it would complain of is in `complaints`.
 */
export class HomeAssistant {
  readonly complaints: string[] = [];
  readonly rendered: Rendered[] = [];
  /** By device and key. */
  readonly #entities = new Map<string, Entity>();
  /** By topic: what a broker that keeps messages tells a new subscription. */
  readonly #retained = new Map<string, Message>();

  /** Entities by their ids; two that want the same one are told apart by `_2`. */
  get entities(): ReadonlyMap<string, ShownEntity> {
    const named = new Map<string, ShownEntity>();
    for (const entity of this.#entities.values()) {
      const { default_entity_id: wanted = entity.config.unique_id } = entity.config;
      let id = wanted;
      for (let number = 2; named.has(id); number++) id = `${wanted}_${number}`;
      const isThere = [...entity.available.values()].every((one) => one);
      named.set(id, isThere ? entity : { ...entity, state: 'unavailable' });
    }
    return named;
  }

  /** What entities show, by id; those that are off by default are left out. */
  get states(): Record<string, string> {
    return Object.fromEntries(
      [...this.entities]
        .filter(([, { config }]) => config.enabled_by_default !== false)
        .map(([id, { state }]) => [id, state]),
    );
  }

  get devices(): string[] {
    return [...new Set([...this.#entities.values()].map(({ device }) => device))].sort();
  }

  /** A message of a subscription. */
  receive(message: Message): void {
    const { topic, payload, retain } = message;
    if (topic.startsWith('homeassistant/')) {
      this.#discover(topic, payload);
      return;
    }
    if (retain || this.#retained.has(topic)) this.#retained.set(topic, message);
    for (const entity of this.#entities.values()) this.#deliver(entity, message);
  }

  #discover(topic: string, payload: string): void {
    const id = topic.split('/')[2] ?? '';
    if (payload === '') {
      for (const key of [...this.#entities.keys()]) if (key.startsWith(`${id} `)) this.#entities.delete(key);
      return;
    }
    const { device, components, mistakes } = readDeviceMessage(topic, payload);
    this.complaints.push(...mistakes);
    for (const [part, config] of components) {
      const key = `${id} ${part}`;
      const before = this.#entities.get(key);
      if (config === null) {
        this.#entities.delete(key);
        continue;
      }
      const twin = [...this.#entities].find(
        ([other, one]) => other !== key && one.config.unique_id === config.unique_id,
      );
      if (twin !== undefined) this.complaints.push(`${key} and ${twin[0]} have one unique id`);
      if (before !== undefined) before.device = String(device.name);
      if (before !== undefined && JSON.stringify(before.config) === JSON.stringify(config)) continue;
      const available = new Map((config.availability ?? []).map(({ topic }) => [topic, false]));
      const { state = 'unknown', events = [] } = before ?? {};
      const entity = { config, device: String(device.name), state, events, available };
      this.#entities.set(key, entity);
      // It subscribes now, and what is kept comes at once.
      for (const message of this.#retained.values()) this.#deliver(entity, { ...message, retain: true });
    }
  }

  #deliver(entity: Entity, { topic, payload, retain }: Message): void {
    for (const one of entity.config.availability ?? []) {
      if (one.topic !== topic) continue;
      const said =
        one.value_template === undefined ? payload : this.#render(one.value_template, payload, entity);
      if (said === 'online' || said === 'offline') entity.available.set(topic, said === 'online');
      else this.complaints.push(`availability ${topic}: ${said}`);
    }
    if (!matchesFilter(entity.config.state_topic, topic)) return;
    const { platform, value_template } = entity.config;
    // What a broker kept is no event.
    if (platform === 'event' && retain) return;
    const text = this.#render(String(value_template), payload, entity);
    if (platform === 'event') this.#happens(entity, text);
    if (platform === 'event' || text.trim() === '') return;
    const state = platform === 'binary_sensor' ? this.#binary(text) : this.#sensor(entity.config, text);
    if (state === null) this.complaints.push(`${entity.config.unique_id} cannot be ${text}: ${payload}`);
    else entity.state = state;
  }

  #binary(text: string): string | null {
    return { ON: 'on', OFF: 'off', None: 'unknown' }[text] ?? null;
  }

  #sensor(
    { options, device_class, state_class, unit_of_measurement }: DiscoveredEntity,
    text: string,
  ): string | null {
    if (text === 'None') return 'unknown';
    const isNumber =
      state_class !== undefined ||
      unit_of_measurement !== undefined ||
      ['duration', 'data_size'].includes(String(device_class));
    if (isNumber) return /^-?\d+(?:\.\d+)?(?:e-?\d+)?$/.test(text) ? text : null;
    if (options !== undefined) return (options as string[]).includes(text) ? text : null;
    if (device_class === 'timestamp') return Number.isNaN(Date.parse(text)) ? null : text;
    return text.length <= 255 ? text : null;
  }

  #happens(entity: Entity, text: string): void {
    if (text === '') return;
    const event = JSON.parse(text) as Json;
    if (!(entity.config.event_types as unknown[]).includes(event.event_type))
      this.complaints.push(`${entity.config.unique_id}: event ${event.event_type}`);
    entity.events.push(event);
  }

  #render(template: string, payload: string, { state }: Entity): string {
    let json: { readonly value_json?: unknown } = {};
    try {
      json = { value_json: JSON.parse(payload) };
    } catch {
      // Then there is no value_json.
    }
    const variables = { value: payload, ...json, this: { state } };
    try {
      const text = new Template(template).render(variables);
      this.rendered.push({ template, variables, text });
      return text;
    } catch (error) {
      this.complaints.push(`${template}: ${error}`);
      return '';
    }
  }
}
