import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { BlindsightError } from '#protocol/errors.ts';
import { AgentConfig, BackendConfig, BrokerConfig } from './schema.ts';
import { validateConfig } from './validate.ts';

const HEAD = `site: north
gateway: gate-1
data: data
broker: { url: "mqtts://b:8883", ca: a, certificate: b, key: c }
identity: { signingKey: d, ownerKey: e }
`;

function problems(text: string, schema: z.ZodType = AgentConfig): string[] {
  try {
    validateConfig(text, schema, 'x.yaml');
    return [];
  } catch (error) {
    if (error instanceof BlindsightError && error.code === 'CONFIG_INVALID') return error.message.split('\n');
    throw error;
  }
}

describe('validateConfig', () => {
  it('accepts what is right', () => expect(problems(HEAD)).toEqual([]));

  it('refuses two bounds for the answers of one camera', () => {
    const text = `site: north
data: .
broker: { url: "mqtts://b:8883", ca: a, certificate: b, key: c }
answers:
  cameras:
    - { name: door, perSecond: 2 }
    - { name: door, perSecond: 3 }
`;
    expect(problems(text, BackendConfig)).toEqual([
      expect.stringMatching(
        /^x\.yaml:7:15: answers\.cameras\[1\]\.name: expected a name that no other camera has/,
      ),
    ]);
  });

  it.each([
    ['a misspelt key', 'lgo: {}', 'x.yaml:6:1: lgo: unknown setting; did you mean "log"?'],
    [
      'a key in another style',
      'health_seconds: 3',
      'x.yaml:6:1: health_seconds: unknown setting; did you mean "healthSeconds"?',
    ],
    [
      'a misspelt value',
      'log:\n  level: wran',
      'x.yaml:7:10: log.level: expected one of "debug", "info", "warn", "error", got "wran"; did you mean "warn"?',
    ],
    [
      'a number in quotes',
      'healthSeconds: "30"',
      'x.yaml:6:16: healthSeconds: expected a number, got "30"; write it without quotes',
    ],
    [
      'a number out of range',
      'inference: { threads: 65 }',
      'x.yaml:6:23: inference.threads: expected at most 64, got 65',
    ],
    [
      'a fraction',
      'inference: { threads: 1.5 }',
      'x.yaml:6:23: inference.threads: expected a whole number, got 1.5',
    ],
    ['zero', 'outbox: { maxMegabytes: 0 }', 'x.yaml:6:25: outbox.maxMegabytes: expected more than 0, got 0'],
    ['a map for a list', 'cameras: { door: 1 }', 'x.yaml:6:10: cameras: expected a list, got { door: 1 }'],
    [
      'a long map for a number',
      'healthSeconds: { every: 30, because: "the link of the northern gate is slow and dear" }',
      'x.yaml:6:16: healthSeconds: expected a number, got settings every, because',
    ],
    [
      'a password in a map',
      'healthSeconds: { a: "rtsp://me:hunter2@h/", b: [1], password: x }',
      'x.yaml:6:16: healthSeconds: expected a number, got { a: "rtsp://***@h/", b: …, password: *** }',
    ],
    ['a list for a map', 'log: [info]', 'x.yaml:6:6: log: expected a map of settings, got a list of 1'],
    ['nothing', 'healthSeconds:', 'x.yaml:6:15: healthSeconds: expected a number, got nothing'],
    [
      'an English boolean',
      'cameras: [{ name: a, url: "rtsp://h/", enabled: off }]',
      'x.yaml:6:49: cameras[0].enabled: expected true or false, got "off"; write false',
    ],
    [
      'a password in a wrong URL',
      'cameras: [{ name: a, url: "http://me:hunter2@h/" }]',
      'x.yaml:6:27: cameras[0].url: expected rtsp://host[:port]/path, got "http://***@h/"',
    ],
    [
      'a region that leaves the picture',
      'cameras: [{ name: a, url: "rtsp://h/", region: { x: 0.5, y: 0, width: 0.6, height: 1 } }]',
      'x.yaml:6:48: cameras[0].region: expected a region within the picture, got { x: 0.5, y: 0, width: 0.6, height: 1 }',
    ],
    [
      'a line as polygon',
      'cameras: [{ name: a, url: "rtsp://h/", masks: [[[0, 0], [1, 1]]] }]',
      'x.yaml:6:48: cameras[0].masks[0]: expected at least 3 entries, got a list of 2',
    ],
    [
      'two regions of one name',
      'cameras: [{ name: a, url: "rtsp://h/", regions: [{ name: b, x: 0, y: 0, width: 1, height: 1 }, { name: b, x: 0, y: 0, width: 1, height: 1 }] }]',
      'x.yaml:6:104: cameras[0].regions[1].name: expected a name that no other region has, got "b"',
    ],
    [
      'a region beyond the picture',
      'cameras: [{ name: a, url: "rtsp://h/", regions: [{ name: b, x: 0, y: 0.5, width: 1, height: 1 }] }]',
      'x.yaml:6:50: cameras[0].regions[0]: expected a region within the picture, got { name: "b", x: 0, y: 0.5, width: 1, height: 1 }',
    ],
    [
      'both region and regions',
      'cameras: [{ name: a, url: "rtsp://h/", region: { x: 0, y: 0, width: 1, height: 1 }, regions: [{ name: b, x: 0, y: 0, width: 1, height: 1 }] }]',
      'x.yaml:6:94: cameras[0].regions: expected either region or regions, got a list of 1',
    ],
    [
      'two cameras of one name',
      'cameras: [{ name: a, url: "rtsp://h/" }, { name: a, url: "rtsp://i/" }]',
      'x.yaml:6:50: cameras[1].name: expected a name that no other camera has, got "a"',
    ],
  ])('places and explains %s', (_, line, expected) => {
    expect(problems(`${HEAD}${line}\n`)).toEqual([expected]);
  });

  it('places what is missing at the map that should have it', () => {
    expect(problems(HEAD.replace(', key: c', '').replace('site: north\n', ''))).toEqual([
      'x.yaml:1:1: site: expected a text, but it is missing',
      'x.yaml:3:9: broker.key: expected a text, but it is missing',
    ]);
  });

  it('names a reserved gateway name and a misspelt branch of a union', () => {
    expect(problems(HEAD.replace('gate-1', 'results'))[0]).toContain(
      'x.yaml:2:10: gateway: expected a name that is not reserved',
    );
    const backend =
      'site: n\ndata: .\nbroker: { url: "mqtts://b:1", ca: a, certificate: b, key: c }\nstore: { kind: sqllite }\n';
    expect(problems(backend, BackendConfig)).toEqual([
      'x.yaml:4:16: store.kind: expected one of "sqlite", "postgresql", got "sqllite"; did you mean "sqlite"?',
    ]);
    expect(problems(backend.replace('sqllite', 'postgresql, urlfile: x'), BackendConfig)).toEqual([
      'x.yaml:4:8: store.urlFile: expected a text, but it is missing',
      'x.yaml:4:28: store.urlfile: unknown setting; did you mean "urlFile"?',
    ]);
  });

  it('explains what is wrong about a proxy', () => {
    const backend =
      'site: n\ndata: .\nbroker: { url: "mqtts://b:1", ca: a, certificate: b, key: c }\napi: { proxy: { addresses: [10.0.0.1/33], user: { header: Cookie, roles: { anna: boss } } } }\n';
    expect(problems(backend, BackendConfig)).toEqual([
      'x.yaml:4:29: api.proxy.addresses[0]: expected an address, or a network such as 192.0.2.0/24, got "10.0.0.1/33"',
      expect.stringContaining('api.proxy.user.header: expected a header of its own'),
      expect.stringContaining('api.proxy.user.roles.anna: expected one of "viewer", "integrator"'),
    ]);
  });

  it('tells all mistakes at once, in the order of the file', () => {
    const lines = problems(`${HEAD.replace('mqtts:', 'mqtt:')}log: { level: x }\ncamera: []\n`);
    expect(lines.map((line) => line.split(':')[1])).toEqual(['4', '6', '7']);
  });

  it.each([
    ['a mistake of YAML', 'site: [', /^x\.yaml:\d+:\d+: /],
    ['the same key twice', 'site: a\nsite: b', /^x\.yaml:2:1: .*unique/],
    ['two documents', 'site: a\n---\nsite: b', /^x\.yaml:\d+:\d+: /],
    ['no settings at all', '', /^x\.yaml:1:1: configuration: expected a map of settings, got nothing/],
    ['a bare word', 'hello', /^x\.yaml:1:1: configuration: expected a map of settings, got "hello"/],
    [
      'a bomb of aliases',
      `a: &a [${'x,'.repeat(99)}]\nb: &b [${'*a,'.repeat(99)}]\nc: [${'*b,'.repeat(99)}]`,
      /^x\.yaml:1:1: /,
    ],
  ])('refuses %s', (_, text, expected) => expect(problems(text)[0]).toMatch(expected));

  it('has a message for any text, and never throws anything else', () => {
    fc.assert(fc.property(fc.string({ maxLength: 60 }), (text) => problems(text).length > 0));
    fc.assert(
      fc.property(fc.json({ maxDepth: 3 }), (text) =>
        problems(text).every((line) => line.startsWith('x.yaml:')),
      ),
    );
  });

  it('finds the place of a setting that is right', () => {
    const { value, locate } = validateConfig(
      'site: n\nca: a\ncertificate: b\nkey: c\n',
      BrokerConfig,
      'b.yaml',
    );
    expect(value.port).toBe(8883);
    expect(locate(['key'])).toBe('b.yaml:4:6');
    expect(locate(['drainSeconds'])).toBe('b.yaml:1:1');
  });
});
