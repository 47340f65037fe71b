import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { denseGraph } from '#network/testing/small-graphs.ts';
import { writeOnnx } from '../onnx/onnx.ts';
import { loadNetwork } from './load-network.ts';

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
});
