import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { cameraAddress } from '#agent/camera/address.ts';
import { failureFromLines } from '#agent/camera/failure.ts';
import { PpmReader } from '#agent/camera/ppm-reader.ts';
import { redact } from '#agent/camera/redact.ts';
import { identityOf } from '#broker/access.ts';
import { AgentConfig, BackendConfig, BrokerConfig } from '#config/schema.ts';
import { validateConfig } from '#config/validate.ts';
import { redactLine, redactText } from '#protocol/redact.ts';
import { coversFilter, matchesFilter } from '#protocol/topic-filter.ts';
import { json } from '../formats/json.ts';
import { lines } from '../formats/lines.ts';
import type { Target } from '../target.ts';

const bytesOf = (text: string) => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const example = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../../config/${name}.example.yaml`, import.meta.url)));

const CONFIGURATIONS: Readonly<Record<string, z.ZodType>> = {
  agent: AgentConfig,
  backend: BackendConfig,
  broker: BrokerConfig,
};

const configurationTargets = Object.entries(CONFIGURATIONS).map(
  ([name, schema]): Target => ({
    name: `settings-${name}`,
    share: 0.04,
    format: lines,
    sources: ['/config/', '/yaml/'],
    refusals: ['CONFIG_INVALID'],
    maxBytes: 20_000,
    dictionary: [
      '&a ',
      '*a',
      '<<: ',
      '!!',
      '? ',
      ': ',
      '- ',
      '|',
      '>',
      '%YAML',
      '---\n',
      '{',
      '[',
      '\t',
      '"\\u',
    ],
    seeds: () => [example(name)],
    run: (input) => validateConfig(textOf(input), schema, 'settings.yaml').value !== undefined,
  }),
);

/** Text of people, cameras and other programs. */
export const TEXT_TARGETS: readonly Target[] = [
  ...configurationTargets,
  {
    name: 'redact-text',
    format: lines,
    sources: ['/protocol/redact', '/agent/camera/redact'],
    refusals: [],
    maxBytes: 65_536,
    maxMs: 250,
    dictionary: [
      'rtsp://',
      '@',
      '?password=',
      '&token=',
      '-----BEGIN PRIVATE KEY-----',
      '-----END PRIVATE KEY-----',
      '://',
      '"',
      '\\',
    ],
    seeds: () => [
      bytesOf(
        'connecting to rtsp://ann:s3same@10.0.0.7:554/live?token=abc&x=1 failed\n-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----',
      ),
    ],
    run(input) {
      const text = textOf(input);
      const clean = redact(text, ['s3same', 'ge']);
      if (clean.includes('s3same')) throw new Error('a secret is shown');
      if (redactText(clean) !== redactText(redactText(clean))) throw new Error('redaction does not settle');
      return clean !== text;
    },
  },
  {
    name: 'redact-line',
    format: json,
    sources: ['/protocol/redact'],
    refusals: [],
    maxBytes: 65_536,
    maxMs: 250,
    dictionary: [
      'rtsp://',
      '@',
      '?password=',
      '"password":"',
      '-----BEGIN PRIVATE KEY-----',
      '\\"',
      '\\\\',
      '://',
    ],
    seeds: () => [
      bytesOf(
        JSON.stringify({
          level: 30,
          msg: 'to rtsp://ann:s3same@h/p?pwd=x',
          password: 'a"b\\',
          nested: { token: 't' },
          pem: '-----BEGIN EC PRIVATE KEY-----\nMC4=\n-----END EC PRIVATE KEY-----\n',
        }),
      ),
    ],
    run(input) {
      const line = textOf(input);
      const clean = redactLine(line);
      if (isJson(line) && !isJson(clean)) throw new Error(`JSON is no longer: ${clean.slice(0, 200)}`);
      return clean !== line;
    },
  },
  {
    name: 'ffmpeg-lines',
    format: lines,
    sources: ['/agent/camera/'],
    refusals: [],
    maxBytes: 16_384,
    maxMs: 250,
    dictionary: [
      '401',
      'Connection refused',
      'Decoder ',
      ' not found',
      'method DESCRIBE failed: 404',
      'codec parameters for stream 0 (Video',
    ],
    seeds: () => [
      bytesOf('[rtsp @ 0x1] method DESCRIBE failed: 401 Unauthorized\nrtsp://h/p: Server returned 401'),
      bytesOf(
        'Could not find codec parameters for stream 0 (Video: h264, none): unspecified size\nDecoder (codec none) not found for input stream #0:0',
      ),
    ],
    run: (input) => failureFromLines(textOf(input).split('\n'), 'rtsp://h:554') !== null,
  },
  {
    name: 'camera-address',
    format: lines,
    sources: ['/agent/camera/'],
    refusals: ['CAMERA_ADDRESS'],
    dictionary: ['rtsp://', 'rtsps://', '@', ':', '/', '%', '?user=', 'password=', '[::1]'],
    seeds: () => [
      bytesOf('rtsp://ann:s3same@10.0.0.7:8554/live/user=ann_password=x?channel=1'),
      bytesOf('rtsps://[::1]/a\nann:s3same:pass'),
    ],
    run(input) {
      const [url = '', credentials] = textOf(input).split('\n');
      const { display, secretUrl, port } = cameraAddress(url, credentials);
      if (!URL.canParse(secretUrl) || !(port >= 0 && port <= 65_535))
        throw new Error(`${secretUrl} is no address`);
      if (new URL(display).password !== '' || new URL(display).search !== '')
        throw new Error(`${display} shows too much`);
      return true;
    },
  },
  {
    name: 'ppm',
    sources: ['/agent/camera/ppm-reader'],
    refusals: ['CAMERA_STREAM'],
    dictionary: ['P6\n', '\n255\n', '8192', '99999'],
    seeds: () => [
      new Uint8Array(
        Buffer.concat([
          Buffer.from('P6\n2 3\n255\n'),
          Buffer.alloc(18),
          Buffer.from('P6\n1 1\n255\n'),
          Buffer.alloc(3),
        ]),
      ),
    ],
    run(input) {
      let pictures = 0;
      const reader = new PpmReader(
        () => {},
        ({ width, height, data }) => {
          if (data.length !== width * height * 3) throw new Error(`a picture of ${data.length} bytes`);
          pictures++;
          reader.recycle(data);
        },
      );
      // Cut where the input says.
      const cut = (input[0] ?? 0) % (input.length + 1);
      reader.push(input.subarray(0, cut));
      reader.push(input.subarray(cut));
      return pictures > 0;
    },
  },
  {
    name: 'topics',
    format: lines,
    sources: ['/protocol/topic', '/broker/access', '/protocol/names'],
    refusals: [],
    dictionary: ['blindsight/v1/', '+', '#', '/', '$share/', 'viewer.readonly'],
    seeds: () => [bytesOf('blindsight/v1/town/+/state\nblindsight/v1/town/gate-1/state\nblindsight/v1/#')],
    run(input) {
      const [filter = '', topic = '', outer = ''] = textOf(input).split('\n');
      identityOf(topic, filter);
      // What a granted filter matches must be matched by the rule that granted it.
      if (coversFilter(outer, filter) && matchesFilter(filter, topic) && !matchesFilter(outer, topic))
        throw new Error(`${outer} grants ${filter}, which reaches ${topic}`);
      return matchesFilter(filter, topic);
    },
  },
];

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
