import { auditorPublicKey, decodeAuditorKey, signAuditorKey } from '#protocol/auditor-key.ts';
import { encodeCanonical } from '#protocol/cbor.ts';
import { decodeChallenge, signChallenge } from '#protocol/challenge.ts';
import { checkArguments, decodeCommand, isCommandType, signCommand } from '#protocol/command.ts';
import { decodeAnswerPart, encodeAnswer, signAnswer } from '#protocol/command-answer.ts';
import { decodeConfiguration, signConfiguration } from '#protocol/configuration.ts';
import { readEnrolmentRequest, signEnrolmentRequest } from '#protocol/enrolment.ts';
import { decodeEnvelope, encodeEnvelope, isUnknownEnvelope } from '#protocol/envelope.ts';
import { envelopePlace } from '#protocol/envelope-place.ts';
import { BUNDLE_PARTS, decodeManifest, signManifest } from '#protocol/manifest.ts';
import { decodeOwnerKeys, signOwnerKeys } from '#protocol/owner-keys.ts';
import { publicKeyBytes, publicKeyOf } from '#protocol/public-key.ts';
import { readRenewal, signRenewal } from '#protocol/renewal.ts';
import { decodeRootIntroduction, signRootIntroduction } from '#protocol/root-introduction.ts';
import type { Signed } from '#protocol/signed.ts';
import { decodeSoftware, signSoftware } from '#protocol/software.ts';
import { decodeTimestamp, signTimestamp } from '#protocol/timestamp.ts';
import { cbor } from '../formats/cbor.ts';
import type { Target } from '../target.ts';
import { expectSameBytes } from './expect-same-bytes.ts';
import { SAMPLE_KEYS } from './sample-keys.ts';

const { signing, verifying } = SAMPLE_KEYS;
const DIGEST = 'ab'.repeat(32);
const MS = 1_790_000_000_000;
const addressed = { schema: 1, site: 'town', gateway: 'gate-1' } as const;

/**
 * @param decode gives the signed bytes and the value in them
 * @param also what must hold of a value besides
 */
function signedTarget<T extends Signed>(
  name: string,
  refusals: readonly string[],
  seeds: () => Uint8Array[],
  decode: (wire: Uint8Array) => { readonly decoded: T; readonly value: unknown },
  also: (decoded: T, wire: Uint8Array) => void = () => {},
): Target {
  return {
    name,
    format: cbor,
    sources: ['/protocol/', '/cborg/'],
    refusals,
    seeds,
    run(wire) {
      const { decoded, value } = decode(wire);
      // A signed value has one wire form, and means what its bytes say.
      expectSameBytes(name, encodeCanonical([decoded.payload, decoded.signature]), wire);
      expectSameBytes(`${name}: its value`, encodeCanonical(value), decoded.payload);
      also(decoded, wire);
      return true;
    },
  };
}

const envelope = {
  ...addressed,
  ...{ camera: 'front', session: 3, sequence: 4, frameTimeMs: MS, readyTimeMs: MS + 12.5, bundle: DIGEST },
  ...({ interpreter: 'engine', historical: false } as const),
  ...{ timings: { prepareMs: 1.5, encryptMs: 2, evaluateMs: 30 } },
  ciphertext: new Uint8Array(40).fill(5),
} as const;
const { frameTimeMs, readyTimeMs, timings } = envelope;
const later = { camera: 'back', frameTimeMs, readyTimeMs, timings };

const parts = BUNDLE_PARTS.map((name, i) => ({ name, bytes: 1000 + i, sha256: DIGEST }));
const manifest = {
  ...addressed,
  ...{ model: 'counter', modelVersion: 1, counter: 2, createdMs: MS, parts, selfTest: { engine: DIGEST } },
} as const;

const command = {
  ...addressed,
  ...{ id: '0123456789abcdef'.repeat(2), type: 'logs', arguments: { lines: 20, sinceSeconds: 60 } },
  ...{ createdMs: MS, expiresMs: MS + 60_000 },
} as const;

/** Values that somebody signs, as they come from a broker: 13 kinds of one form. */
export const SIGNED_TARGETS: readonly Target[] = [
  signedTarget(
    'envelope',
    ['ENVELOPE_INVALID'],
    () => [
      encodeEnvelope(envelope, signing),
      encodeEnvelope({ ...envelope, regions: ['left', 'right'], historical: true }, signing),
      encodeEnvelope({ ...envelope, schema: 3, later: [{ ...later, regions: ['left'] }, later] }, signing),
    ],
    (wire) => {
      // Asked about whatever does not decode: they must have an answer to everything.
      isUnknownEnvelope(wire, 65_536, verifying);
      envelopePlace(wire);
      const decoded = decodeEnvelope(wire, 65_536);
      return { decoded, value: decoded.envelope };
    },
    ({ envelope: { session, sequence } }, wire) => {
      const place = envelopePlace(wire);
      if (place?.session !== session || place.sequence !== sequence)
        throw new Error('a trace of an envelope would have another name on the gateway than in the backend');
    },
  ),
  signedTarget(
    'manifest',
    ['MANIFEST_INVALID'],
    () => [
      signManifest(manifest, signing),
      signManifest({ ...manifest, expiresMs: MS + 1e9, beside: true }, signing),
    ],
    (wire) => {
      const decoded = decodeManifest(wire);
      return { decoded, value: decoded.manifest };
    },
  ),
  signedTarget(
    'configuration',
    ['CONFIGURATION_INVALID'],
    () => [
      signConfiguration(
        {
          ...addressed,
          ...{ version: 3, createdMs: MS, settings: 'cameras: []\n' },
          credentials: [{ camera: 'front', sealed: new Uint8Array(60) }],
        },
        signing,
      ),
    ],
    (wire) => {
      const decoded = decodeConfiguration(wire);
      return { decoded, value: decoded.configuration };
    },
  ),
  signedTarget(
    'command',
    ['COMMAND_INVALID'],
    () => [
      signCommand(command, signing),
      signCommand({ ...command, type: 'restart', arguments: {} }, signing),
    ],
    (wire) => {
      const decoded = decodeCommand(wire);
      return { decoded, value: decoded.command };
    },
    ({ command: { type, arguments: given } }) => {
      if (isCommandType(type)) checkArguments(type, given);
    },
  ),
  signedTarget(
    'answer-part',
    ['ANSWER_INVALID'],
    () => {
      const answer = { status: 'done', code: null, message: 'restarted', content: null } as const;
      return signAnswer({ ...addressed, type: 'restart', id: command.id }, encodeAnswer(answer), signing);
    },
    (wire) => {
      const decoded = decodeAnswerPart(wire);
      return { decoded, value: decoded.part };
    },
  ),
  signedTarget(
    'challenge',
    ['CHALLENGE_INVALID'],
    () => [
      signChallenge({ ...addressed, id: command.id, answers: [DIGEST, DIGEST], createdMs: MS }, signing),
    ],
    (wire) => {
      const decoded = decodeChallenge(wire);
      return { decoded, value: decoded.challenge };
    },
  ),
  signedTarget(
    'auditor-key',
    ['AUDITOR_KEY_INVALID'],
    () => [signAuditorKey({ schema: 1, site: 'town', number: 1, key: new Uint8Array(32).fill(9) }, signing)],
    (wire) => {
      const decoded = decodeAuditorKey(wire);
      return { decoded, value: decoded.auditor };
    },
    ({ auditor }) => void auditorPublicKey(auditor),
  ),
  signedTarget(
    'owner-keys',
    ['TRUST_INVALID'],
    () => [
      signOwnerKeys(
        {
          schema: 1,
          site: 'town',
          version: 2,
          createdMs: MS,
          expiresMs: MS + 1e9,
          keys: [publicKeyBytes(verifying)],
        },
        signing,
      ),
    ],
    (wire) => {
      const decoded = decodeOwnerKeys(wire);
      return { decoded, value: decoded.statement };
    },
    ({ statement }) => statement.keys.forEach(publicKeyOf),
  ),
  signedTarget(
    'timestamp',
    ['TRUST_INVALID'],
    () => [
      signTimestamp(
        {
          ...addressed,
          number: 1,
          timeMs: MS,
          expiresMs: MS + 1e9,
          release: 1,
          networks: { carpark: 3, digits: 2 },
          configuration: 2,
          software: 0,
          ownerKeys: 1,
        },
        signing,
      ),
    ],
    (wire) => {
      const decoded = decodeTimestamp(wire);
      return { decoded, value: decoded.timestamp };
    },
  ),
  signedTarget(
    'root-introduction',
    ['TRUST_INVALID'],
    () => [signRootIntroduction({ schema: 1, site: 'town', rootKey: publicKeyBytes(verifying) }, signing)],
    (wire) => {
      const decoded = decodeRootIntroduction(wire);
      return { decoded, value: decoded.introduction };
    },
    ({ introduction }) => void publicKeyOf(introduction.rootKey),
  ),
  signedTarget(
    'software',
    ['SOFTWARE_INVALID'],
    () => [
      signSoftware(
        {
          ...addressed,
          ...{ version: '1.2.3', counter: 4, createdMs: MS, platform: 'linux-x64', contents: DIGEST },
          ...{ archive: { bytes: 1000, sha256: DIGEST }, memoryMegabytes: 50 },
        },
        signing,
      ),
    ],
    (wire) => {
      const decoded = decodeSoftware(wire);
      return { decoded, value: decoded.manifest };
    },
  ),
  {
    name: 'enrolment-request',
    format: cbor,
    sources: ['/protocol/', '/cborg/'],
    refusals: ['ENROLMENT_INVALID'],
    seeds: () => [
      signEnrolmentRequest(
        {
          ...addressed,
          ...{ certificateRequest: new Uint8Array(100), secret: new Uint8Array(32) },
          ...{ signingKey: publicKeyBytes(verifying), sealingKey: new Uint8Array(32).fill(9) },
        },
        signing,
      ),
    ],
    run: (wire) => readEnrolmentRequest(wire).schema === 1,
  },
  {
    name: 'renewal-request',
    format: cbor,
    sources: ['/protocol/', '/cborg/'],
    refusals: ['ENROLMENT_INVALID'],
    seeds: () => [
      signRenewal(
        { ...addressed, certificate: new Uint8Array(90), certificateRequest: new Uint8Array(80) },
        signing,
      ),
    ],
    run: (wire) => readRenewal(wire, verifying).schema === 1,
  },
];
