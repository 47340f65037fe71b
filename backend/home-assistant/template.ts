/**
 * A text as a literal in a Jinja template. Labels come from whoever made the network and may say anything: JSON's escapes are Jinja's, and within a literal
 * braces mean nothing.
 */
export function literal(text: string): string {
  // Escaped as well, so that nobody who looks for the end of a template takes it for one.
  return JSON.stringify(text).replace(/[{}%#]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`);
}

/** `online` while a retained JSON message says so in `state`; `offline` also where it was cleared. */
export const ONLINE = '{{ value_json.state if value_json is defined else "offline" }}';

/** An expression of `value_json`, ON or OFF. */
export function onIf(expression: string): string {
  return `{{ "ON" if ${expression} else "OFF" }}`;
}

/**
 * A value of answers. One that waited in an outbox says nothing about now: nothing comes of it, which Home Assistant takes as no news. An answer of which only changes are
 * told holds until the next, however long it waited.
 */
export function ofAnswer(value: string, tellsChanges: boolean): string {
  return tellsChanges ? value : `{% if not value_json.historical %}${value}{% endif %}`;
}
