import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { type AgentConfig, PushedSettings } from '#config/schema.ts';

/** The part of agent.yaml that can be pushed. */
export function pushedPart({
  site,
  gateway,
  data,
  broker,
  identity,
  tracing,
  configuration,
  ...settings
}: AgentConfig): PushedSettings {
  return settings;
}

/**
 * The part of agent.yaml that can be pushed, as one number: it changes when somebody edits the file, and only then. What is as by default is
 * left out, and the order of settings does not count: so it stays the same in a later version of the program, which has more settings.
 *
 * @param parse fills defaults in
 * @returns SHA-256, hex
 */
export function settingsDigest(
  config: AgentConfig,
  parse: (settings: object) => object = (settings) => PushedSettings.parse(settings),
): string {
  const settings = pushedPart(config);
  const bare = settings.cameras.map(({ name, url }) => ({ name, url }));
  const written = [
    bare,
    ...settings.cameras.map((camera, i) => withoutDefaults(camera, cameraOf(parse({ cameras: [bare[i]] })))),
    withoutDefaults({ ...settings, cameras: [] }, parse({})),
  ];
  return createHash('sha256').update(JSON.stringify(written)).digest('hex');
}

function cameraOf(settings: object): unknown {
  return (settings as PushedSettings).cameras[0];
}

/** What of a value is not as by default, with its keys in the order of the alphabet; undefined where all is. */
function withoutDefaults(value: unknown, defaults: unknown): unknown {
  if (isDeepStrictEqual(value, defaults)) return undefined;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => withoutDefaults(item, undefined));
  const plain = (typeof defaults === 'object' ? defaults : null) as Record<string, unknown> | null;
  const entries = Object.entries(value).map(
    ([key, item]) => [key, withoutDefaults(item, plain?.[key])] as const,
  );
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
