/**
 * What it takes to put answers of a bundled network together, and what becomes of their precision:
 *
 *     node bench/together.ts [--network e2dm] [--rounds 20] [--record FILE]
 */
import { generateKeyPairSync } from 'node:crypto';
import { parseArgs } from 'node:util';
import { answerPlaces, createEngineInterpreter, Gathering } from '#fhe';
import {
  createDecryptor,
  createOwnerKeys,
  DEVIATION_SHARE,
  encryptConstants,
  makeEvaluationKeys,
} from '#fhe/secret';
import { compileNetwork } from '#network/compiler/compile.ts';
import { loadZooNetwork } from '#network/model/description/zoo.ts';
import { SeededRandom } from '#network/model/random.ts';
import { runGraph } from '#network/model/run/run.ts';
import { encodeEnvelope, type LaterAnswer } from '#protocol/envelope.ts';
import { OPENING_SEED_BYTES } from '#protocol/opening.ts';
import { gatheredMinute } from './gathered-minute.ts';
import { currentCommit, describeMachine } from './machine.ts';
import { quantile } from './quantile.ts';
import { lookAround, tellMeasurement } from './record.ts';

const { values: options } = parseArgs({
  options: {
    network: { type: 'string', default: 'e2dm' },
    rounds: { type: 'string', default: '20' },
    record: { type: 'string' },
  },
});
const circumstances = await lookAround(['.', '../fhe', '../network', '../protocol', '../agent']);
const rounds = Number(options.rounds);
const { graph, metadata } = await loadZooNetwork(options.network);
const compiled = compileNetwork(graph, { ...metadata, name: options.network });
const { verified, interpretation } = compiled;
const { expected, unit, range } = interpretation;
const keys = await createOwnerKeys(verified.parameters, compiled.program.resultRing);
const material = {
  program: verified,
  publicKey: keys.publicKey,
  constants: await encryptConstants(verified, keys.secretKey, compiled.constants),
  evaluationKeys: await makeEvaluationKeys(verified, keys),
};
const engine = await createEngineInterpreter(material, { threads: 1 });
const decryptor = await createDecryptor(verified, keys);
const places = answerPlaces(verified);
const period = expected.length / places;
const { channels, height, width } = verified.program.picture;
const random = new SeededRandom(1);

/** Milliseconds that something takes, added to a list. */
function timed<T>(list: number[], act: () => T): T {
  const before = performance.now();
  const value = act();
  list.push(performance.now() - before);
  return value;
}

const times = { add: [], finish: [], decrypt: [], decryptGathered: [] } as Record<string, number[]>;
/** Squares of deviations from the clear outputs, in logits, and how many: of slots with outputs of single answers and gathered ones, and of slots that must be empty. */
const errors = { alone: [0, 0], gathered: [0, 0], empty: [0, 0] } as Record<string, [number, number]>;
let worstEmpty = 0;
const note = (name: string, deviation: number) => {
  errors[name]![0] += deviation ** 2;
  errors[name]![1] += 1;
};
let [single, gathered] = [new Uint8Array(), new Uint8Array()];
for (let round = 0; round < rounds; round++) {
  const gathering = new Gathering(verified.resultParameters, places);
  const clear: Float32Array[] = [];
  for (let place = 0; place < places; place++) {
    const picture = Float32Array.from({ length: channels * height * width }, () => random.below(256) / 255);
    const { ciphertext } = engine.run(picture);
    single = new Uint8Array(ciphertext);
    clear.push(Float32Array.from(runGraph(graph, picture)));
    timed(times.add!, () => gathering.add(ciphertext));
    const slots = timed(times.decrypt!, () => decryptor.decrypt(ciphertext));
    for (const [slot, index] of expected.entries())
      if (index >= 0) note('alone', slots[slot]! * unit - clear[place]![index]!);
  }
  gathered = new Uint8Array(timed(times.finish!, () => gathering.finish()));
  const read = timed(times.decryptGathered!, () => decryptor.decryptGathered(gathered));
  for (const [place, slots] of read.entries())
    for (const [slot, value] of slots.entries()) {
      const index = slot < period ? expected[slot]! : -1;
      if (index >= 0) note('gathered', value * unit - clear[place]![index]!);
      if (index !== -1) continue;
      note('empty', value * unit);
      worstEmpty = Math.max(worstEmpty, Math.abs(value * unit));
    }
}
await engine.close();
decryptor.close();

const timings = { prepareMs: 1.2, encryptMs: 3.4, evaluateMs: 12.3 };
const at = (i: number): LaterAnswer => ({
  ...{ camera: 'front-door', frameTimeMs: 1_796_000_000_000 + 100 * i },
  ...{ readyTimeMs: 1_796_000_000_020 + 100 * i, timings },
});
const { privateKey } = generateKeyPairSync('ed25519');
/** Of a camera at 10 Hz, so many answers in an envelope. */
const envelopeBytes = (count: number) =>
  encodeEnvelope(
    {
      ...at(0),
      ...{
        site: 'yard',
        gateway: 'gate-1',
        session: 1_796_000_000,
        sequence: 12_345,
        bundle: 'ab'.repeat(32),
      },
      ...{ interpreter: 'engine', historical: false, ciphertext: gathered },
      ...(count === 1
        ? { schema: 1 }
        : { schema: 3, later: Array.from({ length: count - 1 }, (_, i) => at(i + 1)) }),
    },
    privateKey,
  ).length;
const minute = await gatheredMinute(10, privateKey, (frameTimeMs) => ({
  ...{ ...at(0), frameTimeMs, readyTimeMs: frameTimeMs + 20, preparedTimeMs: frameTimeMs },
  host: {
    ...{ kind: 'engine', places, answerRing: verified.resultParameters },
    bundle: { digest: 'ab'.repeat(32), manifest: { model: options.network } },
  } as never,
  ciphertext: single,
  opening: { picture: new Uint8Array(channels * height * width), seed: new Uint8Array(OPENING_SEED_BYTES) },
}));
const deviation = ([squares, count]: [number, number]) => Math.sqrt(squares / count) / range;
const median = (values: number[] = []) =>
  quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
const report = {
  ...{ machine: describeMachine(), commit: await currentCommit(), network: options.network },
  ...{ labels: interpretation.labels.length, places, rounds },
  bytesPerAnswer: { alone: envelopeBytes(1), together: Math.round(envelopeBytes(places) / places) },
  /** What a gateway sends in a minute of ten answers a second. */
  minuteAtTenHz: minute,
  milliseconds: Object.fromEntries(Object.entries(times).map(([name, list]) => [name, median(list)])),
  /** Standard deviations as shares of the range of logits, and what the account of a key counts with. */
  deviation: {
    ...Object.fromEntries(Object.entries(errors).map(([name, sums]) => [name, deviation(sums)])),
    ...{ worstEmpty: worstEmpty / range, tolerance: interpretation.tolerance / range, DEVIATION_SHARE },
  },
};
await tellMeasurement(report, circumstances, options.record);
