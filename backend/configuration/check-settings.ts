import { PushedSettings } from '#config/schema.ts';
import { type Validated, validateConfig } from '#config/validate.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { redactText } from '#protocol/redact.ts';
import type { Store } from '../store/store.ts';

/**
 * Checks settings before they are pushed, as their gateway will, and for what only the site knows.
 *
 * @param origin how messages name the text, usually the file's path
 * @throws BlindsightError CONFIG_INVALID with line and path, also for a password in an address; CAMERA_TAKEN for a camera of another gateway
 */
export async function checkSettings(
  store: Store,
  gateway: string,
  text: string,
  origin: string,
): Promise<Validated<PushedSettings>> {
  const validated = validateConfig(text, PushedSettings, origin);
  for (const [index, { name, url }] of validated.value.cameras.entries()) {
    const place = (field: string) =>
      `${validated.locate(['cameras', index, field])}: cameras[${index}].${field}`;
    // Settings can be read at the broker and in the store.
    if (redactText(url) !== url)
      throw new BlindsightError(
        'CONFIG_INVALID',
        `${place('url')}: expected an address without user and password, because who reads at the broker can read it; write user:password into a file and name that as credentials`,
      );
    const owner = await store.cameras.owner(name);
    if (owner !== null && owner !== gateway)
      throw new BlindsightError(
        'CAMERA_TAKEN',
        `${place('name')}: camera ${name} belongs to gateway ${owner}`,
      );
  }
  return validated;
}
