import { EN, type Words } from '../words/en.ts';

/** As much of a JSON schema as the settings of a gateway use. */
export type JsonSchema = {
  readonly type?: string;
  readonly title?: string;
  readonly description?: string;
  /** How a number is counted, for its label. */
  readonly unit?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema | false;
};

/** Where a setting is: keys of maps and places in lists. */
export type SettingPath = readonly (string | number)[];

/** As the backend writes it: `cameras[0].url`. */
export function pathText(path: SettingPath): string {
  const text = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`)).join('');
  return text.replace(/^\./, '');
}

/** What is at a path of plain settings; undefined if there is nothing. */
export function settingAt(settings: unknown, path: SettingPath): unknown {
  let at = settings;
  for (const key of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Record<string | number, unknown>)[key];
  }
  return at;
}

/** Ends of names that are units, as the settings use them. */
const UNITS: Readonly<Record<string, string>> = {
  Milliseconds: 'ms',
  Seconds: 's',
  Minutes: 'min',
  Hours: 'h',
  Days: 'days',
  Kilobytes: 'kB',
  Megabytes: 'MB',
  Gigabytes: 'GB',
  Percent: '%',
  Celsius: '°C',
};

/** The words of a label: those of the language, of the schema, else the name itself, in plain words and with its unit: `maxAgeHours` is `Max age (h)`. */
export function settingLabel(
  path: SettingPath,
  { title, unit }: JsonSchema,
  { editor }: Pick<Words, 'editor'> = EN,
): string {
  const name = String(path.at(-1));
  const own = editor.settingNames[wordsPath(path)];
  const ending = Object.keys(UNITS).find((word) => name.endsWith(word) && name.length > word.length);
  const counted = own?.unit ?? unit ?? (ending === undefined ? undefined : UNITS[ending]);
  const words = (ending === undefined ? name : name.slice(0, -ending.length))
    .replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
    .trim();
  const label = own?.label ?? title ?? words.charAt(0).toUpperCase() + words.slice(1);
  return counted === undefined ? label : `${label} (${counted})`;
}

/** What a setting means; undefined where nobody says. */
export function settingHelp(
  path: SettingPath,
  { description }: JsonSchema,
  { editor }: Pick<Words, 'editor'> = EN,
): string | undefined {
  return editor.settingNames[wordsPath(path)]?.help ?? description;
}

/** As the words name it: without places in lists. */
function wordsPath(path: SettingPath): string {
  return path.filter((key) => typeof key === 'string').join('.');
}
