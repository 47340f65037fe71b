import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { encodeProgram, evaluationKeysBytes, verifyProgram } from '#fhe';
import { compileNetwork } from '#network/compiler/compile.ts';
import type { FullDescription } from '#network/model/description/network-description.ts';
import { loadZooNetwork } from '#network/model/description/zoo.ts';
import type { ModelRecord } from '../store/models.ts';
import { isCurrent } from './is-current.ts';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** The record that protecting the bundled network would leave, without the encryption. */
async function makeRecord(changes: Partial<FullDescription> = {}): Promise<ModelRecord> {
  const { onnx, graph, metadata } = await loadZooNetwork('counter');
  const { program, interpretation } = compileNetwork(graph, { ...metadata, ...changes, name: 'entrance' });
  const { parameters, requirements } = verifyProgram(program);
  const bytes = encodeProgram(program);
  return {
    name: 'entrance',
    version: 1,
    createdMs: 0,
    labels: metadata.labels,
    ringDegree: 8192,
    logQP: 1,
    parts: [
      { name: 'program', bytes: bytes.length, sha256: sha256(bytes) },
      { name: 'evaluation-keys', bytes: evaluationKeysBytes(parameters, requirements), sha256: '' },
    ],
    onnxSha256: sha256(onnx),
    selfTest: {},
    answerBytes: 1,
    interpretation,
    output: { output: 'rounded', step: 0.05 },
    retirement: null,
  };
}

describe('isCurrent', () => {
  it('knows a model of this version, and each way in which one is not', async () => {
    const record = await makeRecord();
    const [program, keys] = record.parts as [(typeof record.parts)[number], (typeof record.parts)[number]];
    expect(await isCurrent(record, 'counter')).toBe(true);
    expect(await isCurrent({ ...record, onnxSha256: sha256(new Uint8Array()) }, 'counter')).toBe(false);
    expect(await isCurrent({ ...record, parts: [{ ...program, sha256: '00' }, keys] }, 'counter')).toBe(
      false,
    );
    const fewerKeys = { ...keys, bytes: keys.bytes - 1 };
    expect(await isCurrent({ ...record, parts: [program, fewerKeys] }, 'counter')).toBe(false);
  });

  it('knows that a gateway would prepare the light of its pictures in another way', async () => {
    const { picture } = (await loadZooNetwork('counter')).metadata;
    const { light, ...shape } = picture;
    const other = light === undefined ? { ...shape, light: 'normalize' as const } : shape;
    expect(await isCurrent(await makeRecord({ picture }), 'counter')).toBe(true);
    expect(await isCurrent(await makeRecord({ picture: other }), 'counter')).toBe(false);
  });
});
