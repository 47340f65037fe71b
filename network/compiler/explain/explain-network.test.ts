import { describe, expect, it } from 'vitest';
import { verifyProgram } from '#fhe';
import { estimateCost } from '#fhe/design';
import { randomStack } from '#network/testing/random-stack.ts';
import { convolutionalGraph, node, randomPictures } from '#network/testing/small-graphs.ts';
import { compileNetwork } from '../compile.ts';
import { calibrateSteps } from '../lowering/calibrate-steps.ts';
import { lowerSteps } from '../lowering/lower-steps.ts';
import { drawExplanation } from './draw-explanation.ts';
import { explainNetwork, sketchForExplanation } from './explain-network.ts';
import { printExplanation } from './print-explanation.ts';
import { formatMilliseconds } from './units.ts';

const graph = convolutionalGraph(1);

describe('ExplainNetwork', () => {
  it('states the program that compileNetwork writes', () => {
    const ranges = calibrateSteps(
      lowerSteps(graph),
      Float32Array.from(randomPictures(1, 4, 99).flatMap((picture) => [...picture])),
    );
    const { program, report } = compileNetwork(graph, {
      labels: ['a', 'b', 'c'],
      activationRanges: ranges.activations,
      logitRange: ranges.logits,
    });
    const cost = estimateCost(verifyProgram(program));
    const explanation = explainNetwork(graph);
    expect(explanation).toMatchObject({
      ringDegree: report.ringDegree,
      levels: report.levels,
      rotations: cost.rotations,
      products: cost.products,
      bytes: {
        constants: cost.bytes.constants,
        evaluationKeys: cost.bytes.evaluationKeys,
        memory: cost.bytes.memory,
      },
    });
    expect(explanation.notes).toEqual([]);
  });

  it.each([
    ['a chain', graph],
    ['pooling', randomStack(3, ['conv', 'pool', 'dense'])],
    ['a residual network', randomStack(3, ['conv', 'residual'])],
    ['several ciphertexts', randomStack(2, ['conv', 'dense'], { side: 32, maps: 5 })],
  ])('accounts for every operation of %s', (_, network) => {
    const explanation = explainNetwork(network);
    const { layers, estimatedMs } = explanation;
    const sum = (value: (layer: (typeof layers)[number]) => number): number =>
      layers.reduce((total, layer) => total + value(layer), 0);
    expect(sum((layer) => layer.estimatedMs)).toBeCloseTo(estimatedMs.total, 6);
    expect(sum((layer) => layer.rotations)).toBe(explanation.rotations);
    expect(sum((layer) => layer.products)).toBe(explanation.products);
    expect(layers.every((layer) => layer.estimatedMs > 0)).toBe(true);
    expect(layers.at(-1)).toMatchObject({ kind: 'linear', outputs: 3, level: 1 });
    expect(explanation.logQP).toBeLessThanOrEqual(explanation.logQPLimit);
  });

  it('explains several regions in one ciphertext', () => {
    const four = explainNetwork(graph, { regions: 4 });
    expect(four.regions).toBe(4);
    expect(four.layers.map(({ outputs }) => outputs)).toEqual(
      explainNetwork(graph).layers.map(({ outputs }) => outputs),
    );
    expect(printExplanation(four)).toContain('4 pictures in one ciphertext');
    expect(drawExplanation(four)).toContain('4 regions in one ciphertext');
    expect(printExplanation(explainNetwork(graph))).not.toContain('regions');
  });

  it('explains a network that is not polynomial yet, and says so', () => {
    const relu = {
      ...graph,
      nodes: graph.nodes.map((one) =>
        one.operator === 'Mul' ? node('Relu', [one.inputs[0]!], one.outputs[0]!) : one,
      ),
    };
    const explanation = explainNetwork(relu);
    expect(explanation.layers).toEqual(explainNetwork(graph).layers);
    expect(explanation.notes.join()).toContain(
      "2 activations or poolings are not polynomials (node 's1' (Relu)",
    );
  });
});

describe('PrintExplanation', () => {
  it('is a table that names every layer and every figure', () => {
    const text = printExplanation(explainNetwork(graph, { name: 'counter' }));
    expect(text).toMatch(/^counter\n/);
    expect(text.match(/^linear \d/gm)).toHaveLength(3);
    for (const word of [
      'ring degree N  8192',
      'log2(QP)',
      'bundle',
      'memory',
      'precision',
      'typical two-core',
    ])
      expect(text).toContain(word);
    // "modulus 209.99700554607605 bits" stood here once.
    expect(text).not.toMatch(/\d\.\d{4}/);
  });
});

describe('DrawExplanation', () => {
  it('draws one bar a layer and escapes names', () => {
    const explanation = explainNetwork(graph, { name: '<a> & "b"' });
    const svg = drawExplanation(explanation);
    expect(svg.match(/class="bar /g)).toHaveLength(explanation.layers.length);
    expect(svg).toContain(formatMilliseconds(explanation.estimatedMs.total));
    expect(svg).toContain('&lt;a&gt; &amp; "b"'.replaceAll('"', '&quot;'));
    expect(svg).not.toContain('<a>');
  });

  it('says how far it is with a network of many layers', () => {
    const steps: string[] = [];
    sketchForExplanation(randomStack(1, ['conv', 'residual']), 'deep', 1, ({ step, done, total }) => {
      steps.push(step);
      expect(done).toBeLessThan(total);
    });
    expect(new Set(steps)).toEqual(new Set(['layouts', 'shortcuts']));
  });
});
