import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const run = (...words: string[]) =>
  promisify(execFile)(process.execPath, [join(root, 'cli/main.ts'), ...words], { cwd: root });

describe('the command line', () => {
  it.each([
    'demo',
    'bench',
    'bench clear',
    'conformance',
    'evaluate',
    'explain',
    'label',
    'train',
    'model protect',
    'gateway enrol',
  ])('explains %s with an example', async (command) => {
    const { stdout } = await run(...command.split(' '), '--help');
    expect(stdout).toMatch(/^Usage: blindsight /);
    expect(stdout).toMatch(/Examples?:\n {2}(blindsight|npm) /);
  });

  it('says how a folder of ONNX cases fares', async () => {
    const { stdout } = await run('conformance', 'test/data/onnx-backend/node');
    expect(stdout).toMatch(/test_identity_sequence +refused +value 'x': only tensors/);
    expect(stdout).toMatch(/\n\d+ passed, 4 refused, 0 failed\n$/);
  });

  it('suggests commands for the folder that it was called for', async () => {
    const failed = await run('model', 'list', '--data', '/nowhere/north').catch((error: object) => error);
    expect(failed).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('`npx blindsight site init --site NAME --data /nowhere/north`'),
    });
  });

  it('says which file with a camera address cannot be read, and calls it no bug', async () => {
    const failed = await run('demo', '--camera-file', '/nowhere/camera').catch((error: object) => error);
    expect(failed).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('/nowhere/camera cannot be read'),
    });
    expect(failed).not.toMatchObject({ stderr: expect.stringContaining('bug') });
  });
});
