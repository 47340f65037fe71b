import { describe, expect, it } from 'vitest';
import { convolutionalGraph } from '#network/testing/small-graphs.ts';
import { importJson, importText } from './import-report.ts';
import type { ImportedNetwork } from './imported-network.ts';

const imported: ImportedNetwork = {
  graph: convolutionalGraph(1),
  layers: [
    {
      node: 'relu1',
      caption: "Relu 'relu1'",
      operator: 'Relu',
      low: -1.25,
      high: 3,
      method: 'minimax',
      degree: 2,
      worstError: 0.125,
      polynomials: [[0.1, 0.5, 0.2]],
      typicalError: 0.04,
      accuracyBefore: 0.99,
      accuracy: 0.97,
      accuracyTrained: 0.985,
      seconds: 12.3,
    },
    {
      node: 'pool1',
      caption: "MaxPool 'pool1'",
      operator: 'MaxPool',
      low: 0,
      high: 3,
      method: 'scaled-mean',
      degree: 1,
      worstError: Number.NaN,
      polynomials: [[0.1, 1.5]],
      typicalError: 0.2,
      accuracyBefore: 0.97,
      accuracy: 0.9,
      accuracyTrained: null,
      seconds: 0.5,
    },
  ],
  ending: null,
  ranges: { activations: [1, 2], logits: 3 },
  leftOut: 0,
  heldOut: 200,
  accuracyBefore: 0.99,
  accuracyApproximated: 0.9,
  accuracyAfter: 0.985,
};

describe('ImportReport', () => {
  it('has a line for each layer and the accuracies', () => {
    const lines = importText(imported).split('\n');
    expect(lines[0]).toMatch(/typical error {2}before +replaced {2}trained {2}seconds$/);
    expect(lines[1]).toBe(
      'relu1  Relu      -1.25 … 3.00  minimax      2       0.125        0.0400         99.00 %  97.00 %   98.50 %  12.3',
    );
    expect(lines[2]).toMatch(
      /^pool1 {2}MaxPool .*scaled-mean {2}1 +- +0\.200 +97\.00 % {2}90\.00 % {3}- +0\.5$/,
    );
    const untrained = imported.layers.map((layer) => ({ ...layer, accuracyTrained: null }));
    expect(importText({ ...imported, layers: untrained })).toMatch(/typical error {2}accuracy {2}seconds\n/);
    expect(lines.at(-1)).toBe(
      'accuracy on held-out pictures: 99.00 % (198 of 200) as given, 90.00 % (180 of 200) approximated, 98.50 % (197 of 200) in the end',
    );
    expect(importText(imported)).not.toContain('withheld');
    expect(importText({ ...imported, leftOut: 2 })).toMatch(/^2 of the calibration pictures .* withheld$/m);
    expect(importText({ ...imported, layers: [] })).toContain('nothing to approximate');
    expect(importText({ ...imported, ending: 'Softmax' })).toContain(
      'Softmax at the end is left out: it comes after',
    );
    expect(importText({ ...imported, ending: 'Sigmoid' })).toMatch(/Sigmoid .* the same class .* Softmax/);
  });

  it('is JSON without the network', () => {
    const json = JSON.parse(JSON.stringify(importJson(imported)));
    expect(json).toMatchObject({ accuracyAfter: 0.985, heldOut: 200, ranges: { logits: 3 } });
    expect(json.layers[1].worstError).toBeNull();
    expect(json.layers[0]).toMatchObject({
      ...{ accuracyBefore: 0.99, accuracy: 0.97, accuracyTrained: 0.985, seconds: 12.3 },
      polynomials: [[0.1, 0.5, 0.2]],
    });
    expect(json.layers[0]).toMatchObject({
      ...{ accuracyBefore: 0.99, accuracy: 0.97, accuracyTrained: 0.985, seconds: 12.3 },
      polynomials: [[0.1, 0.5, 0.2]],
    });
    expect(json.graph).toBeUndefined();
  });
});
