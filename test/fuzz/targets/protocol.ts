import { createHash } from 'node:crypto';
import { AEAD_AES_256_GCM, CipherSuite, KDF_HKDF_SHA256, KEM_DHKEM_X25519_HKDF_SHA256 } from 'hpke';
import type { z } from 'zod';
import { encodeCanonical } from '#protocol/cbor.ts';
import { decodeOpenings, encodeOpenings } from '#protocol/challenge.ts';
import { decodeChunk, encodeChunk } from '#protocol/chunk.ts';
import { encodeAnswer, joinAnswer } from '#protocol/command-answer.ts';
import { readEnrolmentAnswer } from '#protocol/enrolment.ts';
import { encodeInvitation, parseInvitation } from '#protocol/invitation.ts';
import * as messages from '#protocol/messages.ts';
import { openOpening } from '#protocol/opening.ts';
import { parseMessage } from '#protocol/parse-message.ts';
import { RenewalAnswer } from '#protocol/renewal.ts';
import { signRootIntroduction } from '#protocol/root-introduction.ts';
import { decodeSelfTest, encodeSelfTest } from '#protocol/self-test.ts';
import { parseContents } from '#protocol/software-contents.ts';
import { signTimestamp } from '#protocol/timestamp.ts';
import { decodeTrust, encodeTrust } from '#protocol/trust-message.ts';
import { cbor } from '../formats/cbor.ts';
import { json } from '../formats/json.ts';
import type { Target } from '../target.ts';
import { expectSameBytes } from './expect-same-bytes.ts';
import { SAMPLE_KEYS } from './sample-keys.ts';
import { SAMPLE_MESSAGES } from './sample-messages.ts';

const { signing, sealing } = SAMPLE_KEYS;
const DIGEST = 'ab'.repeat(32);
const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const inCbor = { format: cbor, sources: ['/protocol/', '/cborg/'] } as const;
const inJson = { format: json, sources: ['/protocol/'] } as const;

const invitation = {
  ...{ site: 'town', gateway: 'gate-1', fingerprint: new Uint8Array(32).fill(1) },
  ...{ addresses: [{ host: 'broker.example.org', port: 8481 }], secret: new Uint8Array(32).fill(2) },
};
const INVITATION_PREFIX = 'blindsight1_';

/** The bytes within an invitation, or an invitation of these bytes with the right checksum: whoever forges one can do so, too. */
function wrapInvitation(content: Uint8Array): string {
  const check = createHash('sha256').update(INVITATION_PREFIX).update(content).digest().subarray(0, 4);
  return INVITATION_PREFIX + Buffer.concat([content, check]).toString('base64url');
}

/** Seals bytes that a gateway chose to the auditor, as `sealOpening` seals an opening. */
async function sealed(plain: Uint8Array): Promise<Uint8Array> {
  const suite = new CipherSuite(KEM_DHKEM_X25519_HKDF_SHA256, KDF_HKDF_SHA256, AEAD_AES_256_GCM);
  const x = new Uint8Array(Buffer.from(sealing.export({ format: 'jwk' }).x!, 'base64url'));
  const { encapsulatedSecret, ciphertext } = await suite.Seal(await suite.DeserializePublicKey(x), plain, {
    info: new TextEncoder().encode('blindsight opening 1'),
    aad: new TextEncoder().encode(DIGEST),
  });
  return new Uint8Array(Buffer.concat([encapsulatedSecret, ciphertext]));
}

/** What a schema made of a message it must make of that again: otherwise two readers in a row would see two messages. */
function settles(schema: z.ZodType, input: Uint8Array): boolean {
  const once = JSON.stringify(parseMessage(schema, input));
  const twice = JSON.stringify(parseMessage(schema, new TextEncoder().encode(once), 2 ** 24));
  if (once !== twice) throw new Error(`reads itself as another: ${once} and ${twice}`);
  return true;
}

const SCHEMAS = { ...messages, RenewalAnswer };

const messageTargets = Object.entries(SAMPLE_MESSAGES).map(
  ([name, samples]): Target => ({
    name: `message-${name.toLowerCase()}`,
    ...inJson,
    refusals: ['MESSAGE_INVALID'],
    seeds: () => samples.map(text),
    run: (input) => settles(SCHEMAS[name as keyof typeof SAMPLE_MESSAGES], input),
  }),
);

/** What else crosses a wire: chunks, lists, invitations, trust, sealed openings, and all messages in JSON. */
export const PROTOCOL_TARGETS: readonly Target[] = [
  ...messageTargets,
  {
    name: 'chunk',
    ...inCbor,
    refusals: ['CHUNK_INVALID'],
    seeds: () => [encodeChunk({ bundle: DIGEST, part: 'program', number: 3, data: new Uint8Array(30) })],
    run(input) {
      expectSameBytes('chunk', encodeChunk(decodeChunk(input)), input);
      return true;
    },
  },
  {
    name: 'self-test',
    ...inCbor,
    refusals: ['BUNDLE_DAMAGED'],
    seeds: () => [encodeSelfTest([new Uint8Array(20), new Uint8Array(30)])],
    run(input) {
      expectSameBytes('self-test', encodeSelfTest(decodeSelfTest(input)), input);
      return true;
    },
  },
  {
    name: 'openings',
    ...inCbor,
    refusals: ['CHALLENGE_INVALID'],
    seeds: () => [encodeOpenings([new Uint8Array(60), null])],
    run(input) {
      expectSameBytes('openings', encodeOpenings(decodeOpenings(input)), input);
      return true;
    },
  },
  {
    name: 'opening',
    share: 0.05,
    ...inCbor,
    refusals: ['OPENING_INVALID'],
    seeds: () => [encodeCanonical([new Uint8Array(64).fill(3), new Uint8Array(32).fill(4)])],
    async run(plain) {
      const { picture, seed } = await openOpening(sealing, await sealed(plain), DIGEST);
      expectSameBytes('opening', encodeCanonical([picture, seed]), plain);
      return true;
    },
  },
  {
    name: 'opening-sealed',
    share: 0.05,
    sources: ['/protocol/', '/hpke/'],
    refusals: ['OPENING_INVALID'],
    seeds: async () => [await sealed(encodeCanonical([new Uint8Array(64), new Uint8Array(32)]))],
    run: async (input) => (await openOpening(sealing, input, DIGEST)).seed.length === 32,
  },
  {
    name: 'answer',
    ...inCbor,
    refusals: ['ANSWER_INVALID'],
    seeds: () => [
      encodeAnswer({ status: 'failed', code: 'DISK_FULL', message: 'no room', content: null }),
      encodeAnswer({
        status: 'done',
        code: null,
        message: '',
        content: { mediaType: 'a/b', bytes: new Uint8Array(9) },
      }),
    ],
    run(input) {
      const answer = joinAnswer([input], createHash('sha256').update(input).digest('hex'));
      expectSameBytes('answer', encodeAnswer(answer), input);
      return true;
    },
  },
  {
    name: 'trust',
    ...inCbor,
    refusals: ['TRUST_INVALID'],
    seeds: () => {
      const at = { schema: 1, site: 'town', gateway: 'gate-1', number: 1, timeMs: 5, expiresMs: 6 } as const;
      const newest = { release: 0, configuration: 0, software: 0, ownerKeys: 0 };
      const timestamp = signTimestamp({ ...at, ...newest }, signing);
      const root = { schema: 1, site: 'town', rootKey: new Uint8Array(32) } as const;
      const introduction = signRootIntroduction(root, signing);
      return [
        encodeTrust({ introduction: null, ownerKeys: null, timestamp }),
        encodeTrust({ introduction, ownerKeys: null, timestamp }),
      ];
    },
    run: (input) => decodeTrust(input).timestamp.signature.length === 64,
  },
  {
    name: 'invitation-content',
    ...inCbor,
    refusals: ['INVITATION_INVALID'],
    seeds: () => [
      new Uint8Array(
        Buffer.from(encodeInvitation(invitation).slice(INVITATION_PREFIX.length), 'base64url').subarray(
          0,
          -4,
        ),
      ),
    ],
    run(content) {
      const token = wrapInvitation(content);
      if (encodeInvitation(parseInvitation(token)) !== token) throw new Error('an invitation has two forms');
      return true;
    },
  },
  {
    name: 'invitation',
    sources: ['/protocol/'],
    refusals: ['INVITATION_INVALID'],
    dictionary: [INVITATION_PREFIX, ' ', '\r\n'],
    seeds: () => [new TextEncoder().encode(encodeInvitation(invitation))],
    run: (input) => parseInvitation(new TextDecoder().decode(input)).secret.length === 32,
  },
  {
    name: 'enrolment-answer',
    ...inJson,
    refusals: ['ENROLMENT_INVALID'],
    seeds: () => {
      const pem = '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n';
      const names = {
        schema: 1,
        site: 'town',
        gateway: 'gate-1',
        brokerUrl: 'mqtts://broker.example.org:8883',
      };
      return [text({ ...names, certificate: pem, ca: pem, ownerKey: pem, rootKey: pem })];
    },
    run: (input) => readEnrolmentAnswer(input).schema === 1,
  },
  {
    name: 'software-contents',
    ...inJson,
    refusals: ['SOFTWARE_INVALID'],
    dictionary: ['bin/blindsight', 'RELEASE.json', '../', '\\u002e'],
    seeds: () => {
      const file = { bytes: 3, sha256: DIGEST, executable: true };
      const files = { 'bin/blindsight': file, 'agent/main.ts': { ...file, executable: false } };
      return [text({ schema: 1, version: '1.2.3', platform: 'linux-x64', files })];
    },
    run(input) {
      for (const path of Object.keys(parseContents(input).files))
        if (path.startsWith('/') || path.split('/').includes('..'))
          throw new Error(`${path} leaves the folder`);
      return true;
    },
  },
];
