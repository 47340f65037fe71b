import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { sharedData } from '../../../test/shared-data.ts';
import { runConformance } from './conformance.ts';

const folder = fileURLToPath(new URL('../../../test/data/onnx-backend/', import.meta.url));
/** Three more cases, megabytes each, are not in the repository. */
const more = sharedData('onnx-backend');

describe('Conformance', () => {
  it.each([folder, ...(more === null ? [] : [more])])(
    "passes the ONNX project's cases in %s, and refuses four for a stated reason",
    async (cases) => {
      const report = await runConformance(cases);
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
      const files = await readdir(cases, { recursive: true });
      const models = files.filter((file) => basename(file) === 'model.onnx').length;
      expect(report).toMatchObject({ passed: models - 4, failed: 0, refused: 4 });
    },
  );

  it('says so where there is no case', async () => {
    await expect(runConformance(fileURLToPath(new URL('.', import.meta.url)))).rejects.toThrow(
      'no model.onnx',
    );
    await expect(runConformance('/nowhere')).rejects.toThrow('cannot be read');
  });
});
