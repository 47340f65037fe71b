/**
 * What Home Assistant takes in a message about a device, as of its release 2026.9. Sources, in home-assistant/core: components/mqtt/schemas.py (DEVICE_DISCOVERY_SCHEMA,
 * MQTT_ENTITY_DEVICE_INFO_SCHEMA, MQTT_ORIGIN_INFO_SCHEMA, MQTT_ENTITY_COMMON_SCHEMA, SHARED_OPTIONS, check_unique_id), components/mqtt/config.py (MQTT_RO_SCHEMA),
 * components/mqtt/{binary_sensor,sensor,event}.py, components/mqtt/abbreviations.py, components/mqtt/discovery.py (TOPIC_MATCHER),
 * components/sensor/const.py (DEVICE_CLASS_UNITS, STATE_CLASSES), components/binary_sensor/__init__.py; in home-assistant.io: source/_integrations/mqtt.markdown
 * ("Device discovery payload"), binary_sensor.mqtt.markdown, sensor.mqtt.markdown, event.mqtt.markdown. Home Assistant drops keys of entities that it does not
 * know without a word, and the whole message for others: here both are mistakes.
 */
const RULES = {
  topic: /^homeassistant\/device\/(?<id>[a-zA-Z0-9_-]+)\/config$/,
  /** Only those that may be used here; anything else must be written out. */
  short: {
    message: { dev: 'device', o: 'origin', cmps: 'components' },
    device: { ids: 'identifiers', mf: 'manufacturer', mdl: 'model', sw: 'sw_version' },
    origin: { sw: 'sw_version', url: 'support_url' },
    component: { p: 'platform' },
  },
  message: {
    required: ['device', 'origin', 'components'],
    optional: [
      ...['availability', 'availability_mode', 'availability_template', 'availability_topic'],
      ...['payload_available', 'payload_not_available', 'state_topic', 'command_topic'],
      ...['qos', 'encoding', 'message_expiry_interval'],
    ],
  },
  device: {
    required: ['identifiers'],
    optional: [
      ...['connections', 'manufacturer', 'model', 'model_id', 'name', 'hw_version', 'serial_number'],
      ...['sw_version', 'via_device', 'suggested_area', 'configuration_url'],
    ],
  },
  origin: { required: ['name'], optional: ['sw_version', 'support_url'] },
  availability: {
    required: ['topic'],
    optional: ['payload_available', 'payload_not_available', 'value_template'],
  },
  /** Of every entity. `unique_id` is required of those of devices. */
  component: {
    required: ['platform', 'unique_id', 'state_topic'],
    optional: [
      ...['availability', 'availability_mode', 'availability_template', 'availability_topic'],
      ...['payload_available', 'payload_not_available', 'default_entity_id', 'enabled_by_default'],
      ...['entity_category', 'entity_picture', 'icon', 'json_attributes_topic', 'json_attributes_template'],
      ...['visible_by_default', 'name', 'qos', 'encoding', 'group', 'value_template', 'device_class'],
    ],
  },
  platforms: {
    binary_sensor: {
      required: [],
      optional: ['expire_after', 'force_update', 'off_delay', 'payload_off', 'payload_on'],
      classes: [
        ...['battery', 'battery_charging', 'carbon_monoxide', 'cold', 'connectivity', 'door', 'garage_door'],
        ...['gas', 'heat', 'light', 'lock', 'moisture', 'motion', 'moving', 'occupancy', 'opening', 'plug'],
        ...['power', 'presence', 'problem', 'running', 'safety', 'smoke', 'sound', 'tamper', 'update'],
        ...['vibration', 'window'],
      ],
    },
    sensor: {
      required: [],
      optional: [
        ...['expire_after', 'force_update', 'last_reset_value_template', 'options', 'state_class'],
        ...['suggested_display_precision', 'unit_of_measurement'],
      ],
      /** Those that may be used here. */
      classes: ['enum', 'timestamp', 'temperature', 'duration', 'data_size'],
    },
    event: { required: ['event_types'], optional: [], classes: ['doorbell', 'button', 'motion'] },
  },
  entityCategories: ['diagnostic'],
  availabilityModes: ['all', 'any', 'latest'],
  stateClasses: ['measurement', 'measurement_angle', 'total', 'total_increasing'],
  /** Units of the classes of sensors above; a class that is not here takes none. */
  units: {
    temperature: ['°C', '°F', 'K'],
    duration: ['d', 'h', 'min', 's', 'ms', 'μs'],
    data_size: ['bit', 'kbit', 'Mbit', 'Gbit', 'B', 'kB', 'MB', 'GB', 'TB', 'PB', 'KiB', 'MiB', 'GiB', 'TiB'],
  } as Readonly<Record<string, readonly string[]>>,
} as const;

type Json = Readonly<Record<string, unknown>>;
type Keys = { readonly required: readonly string[]; readonly optional: readonly string[] };

/** An entity as Home Assistant reads it: with long keys, and what it has of its device. */
export type DiscoveredEntity = Json & {
  readonly platform: 'binary_sensor' | 'sensor' | 'event';
  readonly unique_id: string;
  readonly state_topic: string;
  readonly default_entity_id?: string;
  readonly availability?: readonly { readonly topic: string; readonly value_template?: string }[];
};

/** A message about a device, read. */
export type DiscoveredDevice = {
  readonly id: string;
  readonly device: Json;
  /** By key; null for one that is to go. */
  readonly components: ReadonlyMap<string, DiscoveredEntity | null>;
  /** What Home Assistant would refuse, ignore or complain of. */
  readonly mistakes: readonly string[];
};

/** Reads a message about a device as Home Assistant does, and more strictly. */
export function readDeviceMessage(topic: string, payload: string): DiscoveredDevice {
  const mistakes: string[] = [];
  const say = (mistake: string) => mistakes.push(mistake);
  const check = (where: string, value: Json, { required, optional }: Keys) => {
    for (const key of required) if (value[key] === undefined) say(`${where}: no ${key}`);
    for (const key of Object.keys(value))
      if (!required.includes(key) && !optional.includes(key)) say(`${where}: ${key} is not known`);
  };
  const id = RULES.topic.exec(topic)?.groups?.id ?? '';
  if (id === '') say(`${topic} is no topic of a device`);
  const message = long(JSON.parse(payload) as Json, RULES.short.message);
  const device = long(message.device as Json, RULES.short.device);
  check('message', message, RULES.message);
  check('device', device, RULES.device);
  check('origin', long(message.origin as Json, RULES.short.origin), RULES.origin);
  const availabilities = (where: string, value: Json) => {
    for (const one of (value.availability ?? []) as Json[])
      check(`${where} availability`, one, RULES.availability);
    const mode = value.availability_mode;
    if (mode !== undefined && !RULES.availabilityModes.includes(mode as 'all')) say(`${where}: mode ${mode}`);
  };
  availabilities('message', message);
  const shared = Object.fromEntries(
    RULES.message.optional.filter((key) => key in message).map((key) => [key, message[key]]),
  );
  const components = new Map<string, DiscoveredEntity | null>();
  for (const [key, short] of Object.entries(message.components as Record<string, Json>)) {
    const own = long(short, RULES.short.component);
    if (!/^\S+$/.test(key)) say(`${key}: a key with spaces`);
    const platform = own.platform as DiscoveredEntity['platform'];
    if (!(platform in RULES.platforms)) say(`${key}: platform ${platform}`);
    if (Object.keys(own).length === 1) {
      components.set(key, null);
      continue;
    }
    const rules = RULES.platforms[platform];
    check(key, own, {
      required: [...RULES.component.required, ...rules.required],
      optional: [...RULES.component.optional, ...rules.optional],
    });
    availabilities(key, own);
    for (const mistake of [
      ...entityMistakes(own, platform),
      ...(platform === 'sensor' ? sensorMistakes(own) : []),
    ])
      say(`${key}: ${mistake}`);
    components.set(key, { ...shared, ...own } as DiscoveredEntity);
  }
  return { id, device, components, mistakes };
}

function long(value: Json, names: Readonly<Record<string, string>>): Json {
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [names[key] ?? key, one]));
}

function entityMistakes(own: Json, platform: DiscoveredEntity['platform']): string[] {
  const { device_class, entity_category, default_entity_id } = own;
  const classes: readonly unknown[] = RULES.platforms[platform].classes;
  return [
    device_class !== undefined && !classes.includes(device_class) && `device class ${device_class}`,
    entity_category !== undefined &&
      !(RULES.entityCategories as readonly unknown[]).includes(entity_category) &&
      `entity category ${entity_category}`,
    !new RegExp(`^${platform}\\.[a-z0-9]+(?:_[a-z0-9]+)*$`).test(String(default_entity_id)) &&
      `default entity id ${default_entity_id}`,
  ].filter((mistake) => mistake !== false);
}

/** As in `validate_sensor_state_and_device_class_config`; timestamps and options take no unit and no state class. */
function sensorMistakes({
  options,
  state_class,
  unit_of_measurement: unit,
  device_class: cls,
}: Json): string[] {
  const units = RULES.units[String(cls)];
  const isText = cls === 'enum' || cls === 'timestamp';
  return [
    options !== undefined && cls !== 'enum' && 'options without device class enum',
    cls === 'enum' && !(Array.isArray(options) && options.length > 0) && 'enum without options',
    isText && (state_class !== undefined || unit !== undefined) && `${cls} with unit or state class`,
    units !== undefined && !units.includes(String(unit)) && `unit ${unit} of ${cls}`,
    state_class !== undefined &&
      !(RULES.stateClasses as readonly unknown[]).includes(state_class) &&
      `state class ${state_class}`,
  ].filter((mistake) => mistake !== false);
}
