import { describe, expect, it } from 'vitest';
import type { Dataset } from '#network/model/dataset.ts';
import type { Graph } from '#network/model/graph.ts';
import { runGraph } from '#network/model/run/run.ts';
import { denseGraph, randomPictures } from '#network/testing/small-graphs.ts';
import type { EngineKind } from './answerer.ts';
import { type EvaluationProgress, type EvaluationRequest, evaluateNetwork } from './evaluate-network.ts';
import { evaluationJson, evaluationText } from './report.ts';

const graph = denseGraph(2, [12, 4]);

/** Random pictures, labelled with the network's answers; every `wrong`-th label is wrong. */
function labelled(network: Graph, count: number, wrong: number): Dataset {
  const pictures = Float32Array.from(randomPictures(3, count, 12).flatMap((picture) => [...picture]));
  const logits = runGraph(network, pictures);
  const classes = Uint8Array.from({ length: count }, (_, n) => {
    const row = logits.subarray(4 * n, 4 * n + 4);
    const answer = row.indexOf(Math.max(...row));
    return n % wrong === 0 ? (answer + 1) % 4 : answer;
  });
  const labels = ['0', '1', '2', '3'];
  return { picture: { channels: 1, height: 1, width: 12 }, labels, pictures, classes };
}

function request(engine: EngineKind, more: Partial<EvaluationRequest> = {}): EvaluationRequest {
  return { name: 'small', graph, dataset: labelled(graph, 20, 5), engine, ...more };
}

describe('EvaluateNetwork', () => {
  it.each(['engine', 'reference', 'clear'] as const)('measures what is true, with %s', async (engine) => {
    const steps: EvaluationProgress[] = [];
    const result = await evaluateNetwork(request(engine, { onProgress: (progress) => steps.push(progress) }));
    expect(result.images).toBe(20);
    expect(result.clearAccuracy).toBeCloseTo(0.8, 9);
    expect(result.encryptedAccuracy).toBeCloseTo(0.8, 9);
    expect(result.agreement).toBe(1);
    expect(result.withheld).toBe(0);
    expect(result.worstLogitError).toBeLessThan(engine === 'clear' ? 1e-6 : 0.01);
    expect(result.worstLogitError).toBeGreaterThan(0);
    expect(result.latencyMs.p95).toBeGreaterThanOrEqual(result.latencyMs.median);
    expect(result.ringDegree).toBe(4096);
    expect(result.logQP).toBeLessThanOrEqual(106);
    const clear = engine === 'clear';
    if (clear) expect(result.bundleBytes).toBeNull();
    else expect(result.bundleBytes).toBeGreaterThan(10_000);
    expect(result.confusion.flat().reduce((sum, one) => sum + one, 0)).toBe(20);
    const expected = ['compiling', ...(clear ? [] : ['encrypting', 'loading']), 'measuring'];
    expect([...new Set(steps.map(({ step }) => step))]).toEqual(expected);
    const shares = steps.flatMap(({ step, share }) => (step === 'encrypting' ? (share ?? []) : []));
    expect(shares.length > 2).toBe(!clear);
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(steps.at(-1)).toMatchObject({ done: 20, images: 20 });
  });

  it.each(['engine', 'clear'] as const)(
    'measures several pictures in one ciphertext, with %s',
    async (engine) => {
      // 18 pictures fill four ciphertexts of four, and half of a fifth.
      const dataset = labelled(graph, 18, 5);
      const one = await evaluateNetwork(request('clear', { dataset }));
      const result = await evaluateNetwork(request(engine, { dataset, regions: 4 }));
      expect(result).toMatchObject({ images: 18, regions: 4, agreement: 1, withheld: 0 });
      expect(result.clearAccuracy).toBe(one.clearAccuracy);
      expect(result.encryptedAccuracy).toBe(one.encryptedAccuracy);
      expect(result.confusion).toEqual(one.confusion);
      expect(result.largestLogit).toBe(one.largestLogit);
      expect(result.worstLogitError).toBeLessThan(engine === 'clear' ? 1e-6 : 0.01);
      const { median, p95 } = result.latencyMs;
      expect(evaluationJson(result)).toMatchObject({
        regions: 4,
        latencyMs: { median, p95 },
        pictureLatencyMs: { median: median / 4, p95: p95 / 4 },
      });
      expect(evaluationText(result)).toContain(
        `| ${engine === 'clear' ? 'run the program on 4' : 'encrypt and evaluate one ciphertext, 4'} pictures | median`,
      );
      expect(evaluationText(result)).toContain('| the same for each picture | median');
    },
  );

  it('counts answers that the decryptor would keep back as wrong', async () => {
    const { largestLogit } = await evaluateNetwork(request('clear'));
    // The decryptor allows one and a half times what calibration found.
    const ranges = { activations: [], logits: largestLogit / 2 };
    const result = await evaluateNetwork(request('clear', { ranges }));
    expect(result.withheld).toBeGreaterThan(0);
    expect(result.withheld).toBeLessThan(20);
    expect(result.agreement).toBeCloseTo(1 - result.withheld / 20, 9);
    expect(result.confusion.flat().reduce((sum, one) => sum + one, 0)).toBe(20 - result.withheld);
    expect(result.encryptedAccuracy).toBeLessThan(result.clearAccuracy);
  });

  it('leaves out of its ranges the one picture that is far from all others, and says so', async () => {
    const { calibration, dataset } = request('clear');
    const ordinary = await evaluateNetwork(request('clear'));
    const size = dataset.pictures.length / dataset.classes.length;
    const usual = calibration ?? dataset.pictures;
    // A hundred pictures more, one of which is a thousand times as bright as any can be.
    const many = new Float32Array(usual.length + 100 * size);
    many.set(usual);
    for (let i = 0; i < 100; i++) many.set(usual.subarray(0, size), usual.length + i * size);
    many.set(
      usual.subarray(0, size).map((value) => 1000 * value + 1000),
      usual.length,
    );
    const result = await evaluateNetwork(request('clear', { calibration: many }));
    expect(ordinary.leftOut).toBe(0);
    expect(result).toMatchObject({ leftOut: 1, withheld: 0, agreement: 1 });
    expect(evaluationText(result)).toContain('| calibration pictures left out, far from all others | 1 |');
  });

  it('refuses what does not fit, and does not begin when it was stopped before', async () => {
    const dataset = { ...labelled(graph, 4, 5), picture: { channels: 1, height: 1, width: 11 } };
    await expect(evaluateNetwork(request('clear', { dataset }))).rejects.toThrow(
      'the network takes 12 values, a picture has 11',
    );
    const many = { ...labelled(graph, 4, 5), labels: ['a', 'b', 'c', 'd', 'e'] };
    await expect(evaluateNetwork(request('clear', { dataset: many }))).rejects.toThrow(
      '4 outputs for 5 classes',
    );
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(evaluateNetwork(request('clear', { signal }))).rejects.toThrow('enough');
  });

  it('reports what it has measured when it is stopped', async () => {
    const controller = new AbortController();
    const result = await evaluateNetwork(
      request('clear', {
        signal: controller.signal,
        onProgress: ({ done }) => {
          if (done === 7) controller.abort();
        },
      }),
    );
    expect(result.images).toBe(7);
    // Two of the first seven labels are wrong.
    expect(result.clearAccuracy).toBeCloseTo(5 / 7, 9);
    expect(result.agreement).toBe(1);
    expect(result.latencyMs.median).toBeGreaterThan(0);
  });

  it('hears between two pictures that it is to stop, also without encryption', async () => {
    const controller = new AbortController();
    const result = await evaluateNetwork(
      request('clear', {
        dataset: labelled(graph, 2000, 5),
        signal: controller.signal,
        // As a system signal arrives: when the event loop turns.
        onProgress: ({ done }) => void (done === 1 && setImmediate(() => controller.abort())),
      }),
    );
    expect(result.images).toBeLessThan(2000);
  });

  const KEYS = ['agreement', 'worstLogitError', 'latencyMs', 'ringDegree', 'logQP'];

  it('reports the keys that were promised, and a table for people', async () => {
    const result = await evaluateNetwork(request('engine'));
    expect(Object.keys(evaluationJson(result))).toEqual([
      ...['images', 'clearAccuracy', 'polynomialAccuracy', 'encryptedAccuracy'],
      ...KEYS,
      ...['bundleBytes', 'memoryBytes', 'bytesPerRun'],
    ]);
    const text = evaluationText(result);
    expect(text).toContain('| accuracy, as given (polynomial already) | 80.00 % (16 of 20) |');
    expect(text).toContain('| accuracy, encrypted | 80.00 % (16 of 20) |');
    expect(text).toContain('| same answer as in the clear | 100.00 % (20 of 20) |');
    expect(text).toContain('| truth ↓ answer → | 0 | 1 | 2 | 3 |');
  });

  it('tells the network as given from its polynomial', async () => {
    // As given it answers as labelled; the evaluated network has other weights.
    const dataset = labelled(graph, 20, 21);
    const other = denseGraph(7, [12, 4]);
    const result = await evaluateNetwork(request('engine', { dataset, original: graph, graph: other }));
    expect(result.clearAccuracy).toBeCloseTo(0.95, 9);
    expect(result.polynomialAccuracy).toBeLessThan(0.8);
    expect(result.encryptedAccuracy).toBe(result.polynomialAccuracy);
    expect(result.agreement).toBe(1);
    const text = evaluationText(result);
    expect(text).toContain('| accuracy, as given | 95.00 % (19 of 20) |');
    expect(text).toMatch(/accuracy, as polynomial .*\n.*accuracy, encrypted/);
  });

  it('speaks of no keys and no encryption where there is none', async () => {
    const result = await evaluateNetwork(request('clear'));
    const json = evaluationJson(result);
    expect(Object.keys(json)).toEqual([
      ...['images', 'clearAccuracy', 'polynomialAccuracy', 'programAccuracy'],
      ...KEYS,
    ]);
    expect(`${evaluationText(result)}${JSON.stringify(json)}`).not.toMatch(/key|crypt|cipher|bundle|secret/i);
    expect(evaluationText(result)).toContain('| accuracy, as program | 80.00 % (16 of 20) |');
  });
});
