import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { matchesFilter } from '#protocol/topic-filter.ts';
import { gatewayTopics, HOME_ASSISTANT, VIEWER_COMMON_NAME } from '#protocol/topics.ts';
import { accessOf, identityOf, mayRead, mayWrite } from './access.ts';
import { mosquittoAccessList } from './mosquitto.ts';

/** What Mosquitto makes of an access list, as its manual says: deny first, then the user's topics and the patterns. */
function mosquittoAllows(list: string, user: string, access: 'read' | 'write', topic: string): boolean {
  let current = '';
  let allowed = false;
  for (const line of list.split('\n').filter((line) => line && !line.startsWith('#'))) {
    const [word, ...rest] = line.split(' ');
    const [kind, filter = ''] = rest;
    if (word === 'user') current = rest[0] ?? '';
    else if (word === 'pattern') {
      allowed ||= kind === access && matchesFilter(filter.replaceAll('%u', user), topic);
    } else if (current === user && matchesFilter(filter, topic)) {
      if (kind === 'deny') return false;
      allowed ||= kind === access;
    }
  }
  return allowed;
}

/** Every topic of a gateway, one camera, one command of it. */
const topicsOf = (gateway: string): string[] => [
  ...Object.values(gatewayTopics('north', gateway)).map((topic) =>
    typeof topic === 'string' ? topic : topic('door', '7'),
  ),
  `blindsight/v1/north/${gateway}/anything`,
];
const TOPICS = [
  ...['gate-1', 'gate-2', 'backend', 'cockpit'].flatMap(topicsOf),
  'blindsight/v1/north/results/door',
  'blindsight/v1/north/alerts/intruder/door',
  'blindsight/v1/south/gate-1/state',
  'blindsight/v1/south/results/door',
  'blindsight/v1/north',
  HOME_ASSISTANT.status,
  HOME_ASSISTANT.device('door'),
  'homeassistant/sensor/door/config',
  'elsewhere',
];

describe('the access list of Mosquitto', () => {
  const list = mosquittoAccessList('north');

  it('is the one in deploy/', async () => {
    expect(await readFile(join(import.meta.dirname, '../deploy/mosquitto/acl'), 'utf8')).toBe(list);
  });

  // Patterns hold for every user: under the names that no gateway can have they add or take what nobody listens to.
  it.each(['gate-1', 'gate-2', 'cockpit', 'backend'])('says the same as the table for %s', (name) => {
    const access = accessOf('north', identityOf(name)!);
    const own = ['cockpit', 'backend'].includes(name) ? `blindsight/v1/north/${name}/` : 'none';
    for (const topic of TOPICS.filter((topic) => !topic.startsWith(own))) {
      expect([topic, mosquittoAllows(list, name, 'write', topic)]).toEqual([
        topic,
        mayWrite(access, topic, false),
      ]);
      expect([topic, mosquittoAllows(list, name, 'read', topic)]).toEqual([topic, mayRead(access, topic)]);
    }
  });

  it('says the same as the table for a viewer, whose common name all viewers have', () => {
    const access = accessOf('north', identityOf(VIEWER_COMMON_NAME, 'hall')!);
    for (const topic of TOPICS) {
      expect([topic, mosquittoAllows(list, VIEWER_COMMON_NAME, 'read', topic)]).toEqual([
        topic,
        mayRead(access, topic),
      ]);
      expect([topic, mosquittoAllows(list, VIEWER_COMMON_NAME, 'write', topic)]).toEqual([
        topic,
        mayWrite(access, topic, false),
      ]);
    }
  });

  it.each(['cockpit', VIEWER_COMMON_NAME])('lets %s write nothing of the site', (name) => {
    for (const topic of [...TOPICS, ...topicsOf(name)].filter((one) => one !== HOME_ASSISTANT.status))
      expect(mosquittoAllows(list, name, 'write', topic)).toBe(false);
  });
});
