import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { gatewayTopics, NAME_PATTERN, siteTopics } from './topics.ts';

describe('topics', () => {
  it('are all in the table of the README, and nothing else is', async () => {
    const readme = await readFile(join(import.meta.dirname, 'README.md'), 'utf8');
    const listed = [...readme.matchAll(/^\| `([^`]+)` +\|/gm)].map(
      (match) => `blindsight/v1/<site>/${match[1]}`,
    );
    const { prefix, ...gateway } = gatewayTopics('<site>', '<gateway>');
    const all = Object.values(gateway).map((topic) =>
      typeof topic === 'string'
        ? topic
        : topic.length === 1
          ? (topic as (name: string) => string)(topic === gateway.networkManifest ? '<network>' : '<camera>')
          : (topic as (type: string, id: string) => string)('<type>', '<id>'),
    );
    const site = siteTopics('<site>');
    const answers = [site.result('<camera>'), site.result('<camera>', '<region>')];
    const alert = site.alert('<rule>', '<subject>');
    expect(new Set(listed)).toEqual(new Set([...all, site.backendState, ...answers, alert]));
    expect(prefix).toBe('blindsight/v1/<site>/<gateway>');
  });
});

describe('NAME_PATTERN', () => {
  it.each(['a', 'gate-1', '0', 'a'.repeat(32)])('takes %s', (name) => expect(name).toMatch(NAME_PATTERN));

  it.each(['', '-a', 'a-', 'A', 'a/b', 'a+', '#', 'a b', 'ä', 'a'.repeat(33), 'a\n'])('refuses %j', (name) =>
    expect(name).not.toMatch(NAME_PATTERN),
  );
});
