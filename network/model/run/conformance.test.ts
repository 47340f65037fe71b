import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { sharedData } from '../../../test/shared-data.ts';
import { runConformance } from './conformance.ts';

/** Three more cases, of megabytes each, are not in the repository. */
const more = sharedData('onnx-backend');
const folder = more ?? fileURLToPath(new URL('../../../test/data/onnx-backend/', import.meta.url));
const cases = more === null ? 135 : 138;

describe('Conformance', () => {
  it(`passes the ONNX project's cases, ${cases} here, and refuses four for a stated reason`, async () => {
    const report = await runConformance(folder);
    expect(report.cases.filter((one) => one.status === 'failed')).toEqual([]);
    expect(
      report.cases.filter((one) => one.status === 'refused').map(({ name, reason }) => [name, reason]),
    ).toEqual([
      ['node/test_identity_sequence', "value 'x': only tensors are supported, not sequenceType"],
      ...['', '_default', '_mask'].map((suffix) => [
        `node/test_training_dropout${suffix}`,
        'Dropout, the 1st node: training mode is random and not supported; export the network for inference',
      ]),
    ]);
    expect(report).toMatchObject({ passed: cases - 4, failed: 0, refused: 4 });
  });

  it('says so where there is no case', async () => {
    await expect(runConformance(fileURLToPath(new URL('.', import.meta.url)))).rejects.toThrow(
      'no model.onnx',
    );
    await expect(runConformance('/nowhere')).rejects.toThrow('cannot be read');
  });
});
