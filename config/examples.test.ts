import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { loadConfig } from './load.ts';
import { AgentConfig, BackendConfig, BrokerConfig } from './schema.ts';
import { definition, unwrapSchema } from './walk.ts';

/** Every setting that a schema knows, by name. */
function settings(schema: z.core.$ZodType): string[] {
  const def = definition(unwrapSchema(schema));
  if (def.type === 'array') return settings(def.element);
  if (def.type === 'union') return def.options.flatMap(settings);
  if (def.type !== 'object') return [];
  return Object.entries(def.shape).flatMap(([key, child]) => [key, ...settings(child as z.core.$ZodType)]);
}

describe.each([
  ['agent', AgentConfig],
  ['backend', BackendConfig],
  ['broker', BrokerConfig],
])('config/%s.example.yaml', (name, schema: z.ZodType) => {
  const file = join(import.meta.dirname, `${name}.example.yaml`);

  it('loads, with paths beside itself', async () => {
    const config = (await loadConfig(file, schema)) as { data: string };
    expect(config.data).toBe(
      name === 'backend' ? import.meta.dirname : resolve(import.meta.dirname, config.data),
    );
    expect(config.data.startsWith(import.meta.dirname)).toBe(true);
  });

  it('shows every setting', async () => {
    const text = await readFile(file, 'utf8');
    expect(settings(schema).length).toBeGreaterThan(8);
    for (const setting of settings(schema)) expect(text).toMatch(new RegExp(`\\b${setting}:`));
  });
});
