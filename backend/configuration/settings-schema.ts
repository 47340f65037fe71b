import { z } from 'zod';
import { PushedSettings } from '#config/schema.ts';

/** The settings that can be pushed, as a JSON schema: the page makes its form of it, so that a new setting appears there by itself. */
export function settingsSchema(): unknown {
  return z.toJSONSchema(PushedSettings, { io: 'input' });
}
