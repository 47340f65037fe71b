import { describe, expect, it } from 'vitest';
import { cameraOf, modelOf, resultOf, siteOf } from '../testing/fixtures.ts';
import { labelOrder, seriesClass } from './label-order.ts';

describe('labelOrder', () => {
  it('puts the labels of the deployed network first', () => {
    const site = siteOf({ models: [modelOf({ version: 2, labels: ['old'] }), modelOf()] });
    const camera = cameraOf({ result: resultOf({ probabilities: { dog: 1, person: 0 } }) });
    expect(labelOrder(site, camera, ['person', 'car'])).toEqual(['empty', 'person', 'car', 'dog']);
  });

  it('does without a network or an answer', () => {
    expect(labelOrder(siteOf({ models: [] }), cameraOf({ result: null }), ['b', 'a'])).toEqual(['b', 'a']);
  });
});

describe('seriesClass', () => {
  it('colors by order and begins again after eight', () => {
    const order = Array.from({ length: 9 }, (_, index) => `label ${index}`);
    expect(seriesClass(order, 'label 1')).toBe('series-1');
    expect(seriesClass(order, 'label 8')).toBe('series-0');
    expect(seriesClass(order, 'unknown')).toBe('series-0');
  });
});
