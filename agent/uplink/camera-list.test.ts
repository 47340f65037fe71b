import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { CameraList } from './camera-list.ts';

describe('CameraList', () => {
  it('remembers over restarts which cameras are gone, until their state is cleared', async () => {
    const path = join(await temporaryDirectory(), 'cameras.json');
    expect((await CameraList.open(path, ['door', 'yard'])).gone).toEqual([]);
    const list = await CameraList.open(path, ['yard']);
    expect(list.gone).toEqual(['door']);
    expect((await CameraList.open(path, ['yard', 'gate'])).gone).toEqual(['door']);
    await list.forget('door');
    await list.forget('yard');
    expect(list.gone).toEqual([]);
    expect((await CameraList.open(path, [])).gone).toEqual(['yard']);
  });

  it('begins anew where the file is damaged', async () => {
    const path = join(await temporaryDirectory(), 'cameras.json');
    await writeFile(path, '{"cameras": ["../../etc"');
    expect((await CameraList.open(path, ['door'])).gone).toEqual([]);
    expect((await CameraList.open(path, [])).gone).toEqual(['door']);
  });
});
