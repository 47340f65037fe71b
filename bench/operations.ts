import type { Parameters } from '#fhe';
import {
  createSealContext,
  Encryptor,
  type Evaluator as EngineEvaluator,
  EngineHarness,
  type RecordedTape,
  randomCiphertext,
  randomKey,
  randomResidues,
  type SealContext,
  SealScope,
  supplyPicture,
  testParameters,
  toSealCiphertext,
  toSealGaloisKeys,
  toSealPublicKey,
  toSealRelinKeys,
} from '#fhe/testing';
import { type Effort, measureInterleaved } from './measure.ts';
import type { OperationResult } from './report.ts';

/** Rotations of one ciphertext that the hoisted benchmark makes. */
const HOISTED_STEPS = [1, 2, 3, 4, 5, 6, 7, 8];

type Candidate = {
  readonly name: string;
  readonly seal: () => void;
  readonly engine: RecordedTape | (() => void);
};

/** Measures single operations at one ring, uniform residues and keys (speed does not depend on them). */
export async function benchOperations(
  ringDegree: number,
  limbs: number,
  threads: number,
  effort: Effort,
  signal?: AbortSignal,
): Promise<OperationResult[]> {
  const parameters = testParameters(ringDegree, limbs);
  const harness = new EngineHarness(parameters, { threads });
  const bridge = await createSealContext(parameters);
  using scope = new SealScope();
  scope.own({ delete: bridge.close });
  try {
    const results: OperationResult[] = [];
    for (const { name, seal, engine } of prepare(parameters, harness, bridge, scope)) {
      const run = typeof engine === 'function' ? engine : () => harness.engine.pool.run(engine);
      const [ours, theirs] = await measureInterleaved([run, seal], effort, signal);
      results.push({
        name,
        ringDegree,
        limbs,
        threads,
        engineMs: ours!.medianMs,
        engineSpreadMs: ours!.spreadMs,
        nodeSealMs: theirs!.medianMs,
        nodeSealSpreadMs: theirs!.spreadMs,
        ratio: theirs!.medianMs / ours!.medianMs,
      });
    }
    return results;
  } finally {
    await harness.close();
  }
}

function prepare(
  parameters: Parameters,
  harness: EngineHarness,
  bridge: SealContext,
  scope: SealScope,
): Candidate[] {
  const { seal, context } = bridge;
  const level = parameters.maxLevel;
  const { engine } = harness;
  const relinearization = randomKey(parameters, level, 1);
  const rotations = new Map(HOISTED_STEPS.map((step) => [step, randomKey(parameters, level, step + 1)]));
  harness.loadKeys({ relinearization, rotations });
  const evaluator = scope.own(new seal.Evaluator(context));
  const relinKeys = scope.own(toSealRelinKeys(bridge, relinearization));
  const galoisKeys = HOISTED_STEPS.map((step) =>
    scope.own(toSealGaloisKeys(bridge, step, rotations.get(step)!)),
  );

  const a = randomCiphertext(parameters, level, 1);
  const b = randomCiphertext(parameters, level, 2);
  const degree2 = randomCiphertext(parameters, level, 3, 3);
  const [x, y, z] = [a, b, degree2].map((c) => harness.upload(c));
  const [sx, sy, sz] = [a, b, degree2].map((c) => scope.own(toSealCiphertext(bridge, c)));
  const out = scope.own(new seal.Ciphertext());
  const out3 = engine.allocate(3, level);
  const out2 = engine.allocate(2, level);
  const outs = HOISTED_STEPS.map(() => engine.allocate(2, level));
  const lower = engine.allocate(2, level - 1);
  const tape = (record: (evaluator: EngineEvaluator) => void): RecordedTape => harness.prepare(record);

  return [
    {
      name: 'ntt (there and back, 2 polynomials)',
      seal: () => {
        evaluator.cipherTransformFromNtt(sx!, out);
        evaluator.cipherTransformToNttInplace(out);
      },
      engine: tape((e) => e.transformThereAndBack(out2, x!)),
    },
    { name: 'encrypt', ...prepareEncryption(parameters, harness, bridge, scope) },
    {
      name: 'multiply',
      seal: () => evaluator.multiply(sx!, sy!, out),
      engine: tape((e) => e.multiply(out3, x!, y!)),
    },
    {
      name: 'relinearize',
      seal: () => evaluator.relinearize(sz!, relinKeys, out),
      engine: tape((e) => e.relinearize(out2, z!)),
    },
    {
      name: 'relinearize and rescale',
      seal: () => {
        evaluator.relinearize(sz!, relinKeys, out);
        evaluator.rescaleToNextInplace(out);
      },
      engine: tape((e) => e.relinearize(lower, z!)),
    },
    {
      name: 'rotate',
      seal: () => evaluator.rotateVector(sx!, 1, galoisKeys[0]!, out),
      engine: tape((e) => e.rotate(out2, x!, 1)),
    },
    {
      name: `hoisted rotations (${HOISTED_STEPS.length})`,
      seal: () => {
        for (const [i, step] of HOISTED_STEPS.entries())
          evaluator.rotateVector(sx!, step, galoisKeys[i]!, out);
      },
      engine: tape((e) => e.rotateHoisted(outs, x!, HOISTED_STEPS)),
    },
    {
      name: 'rescale',
      seal: () => evaluator.rescaleToNext(sx!, out),
      engine: tape((e) => e.rescale(lower, x!)),
    },
  ];
}

/** Both sides include encoding. */
function prepareEncryption(
  parameters: Parameters,
  { engine }: EngineHarness,
  bridge: SealContext,
  scope: SealScope,
): Pick<Candidate, 'seal' | 'engine'> {
  const { seal, context } = bridge;
  const { ringDegree, moduli, specialModuli, maxLevel, slots } = parameters;
  const publicKey = { residues: randomResidues([...moduli, ...specialModuli], ringDegree, 2, 9) };
  const scale = 2 ** 28;
  const values = Float32Array.from({ length: slots }, (_, i) => (i % 100) / 100);

  const encryptor = new Encryptor(engine, publicKey);
  const recorder = engine.recorder();
  const input = { level: maxLevel, scale, slots: Int32Array.from({ length: slots }, (_, i) => i) };
  const place = encryptor.record(recorder, [input], [engine.allocate(2, maxLevel)], slots);
  const tape = recorder.finish();

  const encoder = scope.own(new seal.CKKSEncoder(context));
  const sealEncryptor = scope.own(new seal.Encryptor(context, scope.own(toSealPublicKey(bridge, publicKey))));
  const plaintext = scope.own(new seal.Plaintext());
  const out = scope.own(new seal.Ciphertext());
  const doubles = Float64Array.from(values);
  return {
    seal: () => {
      encoder.encode(doubles, scale, plaintext);
      sealEncryptor.encrypt(plaintext, out);
    },
    engine: () => {
      supplyPicture(engine.arena.memory, place, values);
      engine.pool.run(tape);
    },
  };
}
