import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeProgram, verifyProgram } from '#fhe';
import { createDecryptor } from '#fhe/secret';
import { decodeConstants, encodeCiphertext, expandCiphertext } from '#fhe/testing';
import { compileNetwork } from '#network/compiler/compile.ts';
import { markGraph } from '#network/fingerprint/mark-graph.ts';
import { weightTensors } from '#network/fingerprint/weight-tensors.ts';
import { withWeights } from '#network/fingerprint/with-weights.ts';
import { loadZooNetwork } from '#network/model/description/zoo.ts';
import type { Graph, Tensor } from '#network/model/graph.ts';
import { writeOnnx } from '#network/model/onnx/onnx.ts';
import { SECRETS } from '../sealing/identities.ts';
import { enrolTestGateway, makeTestSite, type TestSite } from '../testing/test-site.ts';
import { deployModel } from './deploy-model.ts';
import { protectModel } from './protect-model.ts';
import { traceModel } from './trace-model.ts';

const { graph, metadata } = await loadZooNetwork('counter');

/** The network with other weights, numbered through all tensors. */
function numbered(weightOf: (number: number) => number): Graph {
  let first = 0;
  const changed = new Map<string, Tensor>();
  for (const { name, tensor } of weightTensors(graph)) {
    const at = first;
    changed.set(name, { ...tensor, data: Float64Array.from(tensor.data, (_, i) => weightOf(at + i)) });
    first += tensor.data.length;
  }
  return withWeights(graph, changed);
}

/** All slots of all constants of a network, one after the other. */
function slotsOf(network: Graph): Float64Array {
  const { constants } = compileNetwork(network, { ...metadata, name: 'counter' });
  return Float64Array.from(constants.flatMap((slots) => [...slots]));
}

/** What a gateway holds, opened with the secret key: all slots of all constants. */
async function decryptConstants(site: TestSite, version: number): Promise<Float64Array> {
  const model = (await site.store.models.get('counter', version))!;
  const part = (name: string) => site.blobs.get(model.parts.find((one) => one.name === name)!.sha256);
  const program = decodeProgram(await part('program'));
  const { parameters } = verifyProgram(program);
  const secretKey = await site.vault.fetch(site.store, SECRETS.modelSecretKey('counter', version));
  const decryptor = await createDecryptor(parameters, { secretKey });
  const constants = decodeConstants(parameters, program.constants, await part('constants'));
  const slots = constants.map((constant) =>
    decryptor.decrypt(encodeCiphertext(parameters, expandCiphertext(parameters, constant))),
  );
  decryptor.close();
  return Float64Array.from(slots.flatMap((values) => [...values]));
}

/**
 * The network that somebody builds who opened the constants: the program tells which weight stands in which slot, and times what.
 *
 */
function rebuild(slots: Float64Array): Graph {
  const [ones, numbers] = [slotsOf(numbered(() => 1)), slotsOf(numbered((number) => number + 2))];
  const count = weightTensors(graph).reduce((sum, { tensor }) => sum + tensor.data.length, 0);
  const [dots, squares] = [new Float64Array(count), new Float64Array(count)];
  ones.forEach((factor, i) => {
    const number = Math.round(numbers[i]! / factor) - 2;
    // Zeros are padding; what does not change with the weights is a bias.
    if (factor === 0 || number < 0) return;
    dots[number]! += slots[i]! * factor;
    squares[number]! += factor * factor;
  });
  return numbered((number) => dots[number]! / squares[number]!);
}

describe('traceModel', () => {
  let site: TestSite;
  beforeAll(async () => {
    site = await makeTestSite();
    for (const gateway of ['entrance', 'yard']) {
      await enrolTestGateway(site, gateway);
      await protectModel({ site, network: 'counter' });
      await deployModel({ site, model: 'counter', gateway });
    }
  }, 300_000);
  afterAll(() => site.close());

  it('names the gateway whose encrypted constants were opened', async () => {
    for (const [gateway, version] of [
      ['entrance', 1],
      ['yard', 2],
    ] as const) {
      const leaked = rebuild(await decryptConstants(site, version));
      const trace = await traceModel(site, writeOnnx(leaked));
      expect(trace).toMatchObject({ verdict: 'named', fingerprints: 2 });
      expect(trace.copies).toMatchObject([{ model: 'counter', version, keySet: 1, gateways: [gateway] }]);
      // Rounding and noise of ciphertexts are far below what was put in; the rest is what MarkFinder clips, more in a small network.
      expect(trace.copies[0]!.share).toBeGreaterThan(0.85);
      expect(trace.copies[0]!.falseAlarmExponent).toBeLessThan(-500);
    }
  }, 300_000);

  it('recognizes the original, and names nobody for it or for a copy of another site', async () => {
    const own = await traceModel(site, writeOnnx(graph));
    expect(own).toMatchObject({ verdict: 'original', copies: [], closest: { model: 'counter' } });
    const elsewhere = await traceModel(site, writeOnnx(markGraph(graph, randomBytes(32))));
    expect(elsewhere).toMatchObject({ verdict: 'none', copies: [], fingerprints: 2 });
    expect(elsewhere.closest!.difference).toBeLessThan(0.05);
  }, 300_000);

  it('looks only at networks of the same architecture, and of the given name', async () => {
    const { onnx } = await loadZooNetwork('e2dm');
    expect(await traceModel(site, onnx)).toEqual({
      ...{ verdict: 'other-architecture', copies: [], closest: null, fingerprints: 0 },
    });
    await expect(traceModel(site, onnx, { model: 'nothing' })).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
    });
    await expect(traceModel(site, Buffer.from('no network'))).rejects.toMatchObject({ code: 'NETWORK_FILE' });
  }, 300_000);
});
