import { describe, expect, it } from 'vitest';
import { createOwnerKeys, encryptConstants } from '#fhe/secret';
import { graphOf, node } from '../testing/small-graphs.ts';
import { compileNetwork } from './compile.ts';

/** Two pixels → two logits, with a bias. */
const dense = (bias: readonly number[]) =>
  graphOf(
    [2],
    2,
    {
      weights: { type: 'float32', shape: [2, 2], data: Float32Array.of(1, 0, 0, 1) },
      bias: { type: 'float32', shape: [2], data: Float32Array.from(bias) },
    },
    [node('Gemm', ['picture', 'weights', 'bias'], 'logits')],
  );
const compile = (bias: readonly number[]) =>
  compileNetwork(dense(bias), { labels: ['empty', 'occupied'], activationRanges: [], logitRange: 10 });

describe('what the last layer adds', () => {
  it('is refused where an answer has no room for it', () => {
    const attempt = () => compile([1e6, -1e6]);
    expect(attempt).toThrow(/^the last layer adds up to 1\.000e\+6 to an output, .* found is 10: .* no room/);
    expect(attempt).toThrow(expect.objectContaining({ code: 'NETWORK_DATA' }));
  });

  it('can be encrypted where it is not refused', async () => {
    // Twice as much each time: the last one that is taken is within a factor of two of the limit.
    let taken = compile([1, -1]);
    const grow = () => {
      for (let bias = 2; ; bias *= 2) taken = compile([bias, -bias]);
    };
    expect(grow).toThrow(/no room/);
    const { secretKey } = await createOwnerKeys(taken.verified.parameters, taken.program.resultRing);
    await expect(encryptConstants(taken.verified, secretKey, taken.constants)).resolves.toBeDefined();
  });
});
