import { redactLine } from '#protocol/redact.ts';

/** Characters of a line of a log. Far more than an error with its stack has. */
const LINE_MAX = 32_768;
/** Characters of one string in a line that is too long. */
const STRING_MAX = 2_048;
/** A line beyond this is not even looked at. */
const LOOKED_AT_MAX = 4 * 2 ** 20;

/**
 * A line of a log in JSON, redacted, and bounded in length: what others put into an error or a name can neither fill a disk nor cost more time than
 * it takes to read it once. Redacted before it is cut, because half an address no longer looks like one.
 */
export function boundedLine(line: string): string {
  if (line.length > LOOKED_AT_MAX) return headOf(line, '{}');
  const redacted = redactLine(line);
  if (redacted.length <= LINE_MAX) return redacted;
  const shortened = `${JSON.stringify(JSON.parse(redacted), (_, value: unknown) => shorten(value))}\n`;
  return shortened.length <= LINE_MAX ? shortened : headOf(line, shortened);
}

function shorten(value: unknown): unknown {
  if (typeof value !== 'string' || value.length <= STRING_MAX) return value;
  return `${value.slice(0, STRING_MAX)}… (${value.length} characters)`;
}

/** Of a line that cannot be shown: when, who, how grave, and what its message begins with. */
function headOf(line: string, shortened: string): string {
  const { level, time, name, msg } = { ...JSON.parse(shortened), ...beginning(line) };
  const what = `a line of ${line.length} characters is not shown${msg === undefined ? '' : `: ${msg}`}`;
  return `${JSON.stringify({ level, time, name, msg: what })}\n`;
}

/** pino writes these first. */
function beginning(line: string): Readonly<Record<string, string>> {
  const fields = line.slice(0, 200).matchAll(/"(level|time|name)":"([^"\\]{1,64})"/g);
  return Object.fromEntries([...fields].map(([, field, value]) => [field, value]));
}
