import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { denseGraph } from '#network/testing/small-graphs.ts';
import { writeOnnx } from '../onnx/onnx.ts';
import { loadNetwork } from './load-network.ts';
import { readDescription } from './network-description.ts';

describe('LoadNetwork', () => {
  it('finds bundled networks by name', async () => {
    const { name, labels, ranges } = await loadNetwork('counter');
    expect(name).toBe('counter');
    expect(labels).toEqual(['absent', 'present']);
    expect(ranges!.activations).toHaveLength(2);
    await expect(loadNetwork('kounter')).rejects.toThrow(/neither a file .* \(.*counter/);
  });

  it('reads a file, and the description beside it where there is one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'load-'));
    const file = join(folder, 'mine.onnx');
    await writeFile(file, writeOnnx(denseGraph(1, [4, 3])));
    expect(await loadNetwork(file)).toMatchObject({ name: 'mine' });
    expect((await loadNetwork(file)).ranges).toBeUndefined();
    const sidecar = { labels: ['a', 'b', 'c'], activationRanges: [], logitRange: 2, more: true };
    await writeFile(join(folder, 'mine.json'), JSON.stringify(sidecar));
    expect(await loadNetwork(file)).toMatchObject({
      labels: ['a', 'b', 'c'],
      ranges: { activations: [], logits: 2 },
    });
    await writeFile(join(folder, 'mine.json'), '{');
    await expect(loadNetwork(file)).rejects.toThrow(/mine\.json describes the network beside it: not JSON/);
    await writeFile(join(folder, 'mine.json'), '{"labels": 3}');
    await expect(loadNetwork(file)).rejects.toThrow(/mine\.json describes the network beside it: labels: /);
    await rm(folder, { recursive: true });
  });

  it('takes a description whose task fits its fields', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'load-'));
    const file = join(folder, 'mine.json');
    const read = async (fields: object) => {
      await writeFile(
        file,
        JSON.stringify({ labels: ['car'], activationRanges: [], logitRange: 2, ...fields }),
      );
      return readDescription(file);
    };
    const map = { height: 3, width: 4 };
    const decoding = { threshold: 0.5, smoothing: 1, distance: 2, most: 64 };
    expect(await read({ task: 'map', map, decoding })).toMatchObject({ task: 'map', map, decoding });
    const picture = { channels: 2, height: 9, width: 9, motion: { seconds: 8 } };
    expect(await read({ task: 'count', picture })).toMatchObject({ picture });
    await expect(read({ task: 'count', picture: { ...picture, channels: 3 } })).rejects.toThrow(
      'picture.motion: expected with 2 or 4',
    );
    expect(await read({ task: 'count' })).toMatchObject({ task: 'count' });
    await expect(read({})).rejects.toThrow('labels: a classification needs at least two');
    await expect(read({ task: 'map', map })).rejects.toThrow('decoding: missing for a map');
    await expect(read({ task: 'count', map })).rejects.toThrow('map: only for a map, and the task is count');
    await expect(read({ task: 'map', map, decoding: { ...decoding, most: 65 } })).rejects.toThrow(
      'decoding.most',
    );
    await rm(folder, { recursive: true });
  });
});
