/** What every entity says; only `p` is short, because Home Assistant asks for it in messages about devices. */
type Entity = {
  readonly name: string;
  readonly unique_id: string;
  /** What its `entity_id` is when Home Assistant meets it first. */
  readonly default_entity_id: string;
  readonly state_topic: string;
  readonly value_template: string;
  readonly entity_category?: 'diagnostic';
  readonly enabled_by_default?: false;
  /** In place of those of the device. */
  readonly availability?: readonly Availability[];
};

/** A topic whose template says `online` or `offline`. */
export type Availability = { readonly topic: string; readonly value_template: string };

export type Component =
  | (Entity & {
      readonly p: 'binary_sensor';
      readonly device_class: 'occupancy' | 'connectivity' | 'problem';
    })
  | (Entity & {
      readonly p: 'sensor';
      readonly device_class?: 'enum' | 'temperature' | 'duration' | 'data_size' | 'timestamp';
      readonly state_class?: 'measurement' | 'total_increasing';
      readonly unit_of_measurement?: '%' | '°C' | 's' | 'ms' | 'B' | 'MB';
      readonly options?: readonly string[];
    })
  | (Entity & { readonly p: 'event'; readonly event_types: readonly string[] });

/** A component that Home Assistant is to forget. */
export type Removal = { readonly p: string };

/**
 * A device and its entities as Home Assistant takes them on `homeassistant/device/<id>/config`
 * (home-assistant.io, integrations/mqtt, "Device discovery payload").
 */
export type DeviceDocument = {
  readonly dev: {
    readonly ids: readonly [string];
    readonly name: string;
    readonly mf: string;
    readonly mdl: string;
    readonly sw?: string;
  };
  readonly o: { readonly name: string; readonly sw: string };
  readonly cmps: Readonly<Record<string, Component | Removal>>;
  readonly availability: readonly Availability[];
  readonly availability_mode: 'all';
  readonly qos: 1;
};
