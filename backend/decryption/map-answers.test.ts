import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { changeOutput } from '../operations/change-output.ts';
import { addZone, listZones, removeZone } from '../operations/zones.ts';
import { type DecryptingSite, drain, makeDecryptingSite } from '../testing/decrypting-site.ts';
import { makeTinyNetwork, type TinyNetwork } from '../testing/tiny-network.ts';

type Corners = [number, number][];
const LEFT: Corners = [
  [0, 0],
  [0.5, 0],
  [0.5, 1],
  [0, 1],
];

describe('a network that answers with a map', () => {
  let network: TinyNetwork;
  let bench: DecryptingSite;
  let left: Uint8Array;
  let right: Uint8Array;

  beforeAll(async () => {
    // Each of the two pixels is a cell, and its output four times what it shows.
    network = await makeTinyNetwork({
      meaning: {
        ...{ labels: ['car'], task: 'map', map: { height: 1, width: 2 } },
        decoding: { threshold: 2, smoothing: 0, distance: 0, most: 64 },
      },
    });
    left = network.answer([0.9, 0.2]);
    right = network.answer([0.1, 0.8]);
  });
  afterAll(() => network.close());
  beforeEach(async () => {
    bench = await makeDecryptingSite(network);
    await bench.site.store.cameras.claim('door', 'gate', 1);
  });
  afterEach(() => bench.close());

  let sequence = 0;
  async function send(ciphertext: Uint8Array) {
    sequence += 1;
    await bench.put({ sequence, ciphertext });
    await drain(bench, bench.makeProcessor());
    return bench.results.at(-1);
  }

  it('gives out points, counts, and counts by the zones of its camera, and stores them', async () => {
    expect(await send(left)).toMatchObject({
      task: 'map',
      counts: { car: 1 },
      points: [{ label: 'car', x: 0.25, y: 0.5 }],
    });
    expect(bench.results.at(-1)).not.toHaveProperty('zones');
    await addZone(bench.site, 'door', { name: 'left', corners: LEFT });
    const zoned = await send(right);
    expect(zoned).toMatchObject({
      points: [{ label: 'car', x: 0.75, y: 0.5 }],
      zones: [{ name: 'left', counts: { car: 0 } }],
    });
    expect(await send(left)).toMatchObject({ zones: [{ name: 'left', counts: { car: 1 } }] });
    expect(await bench.site.store.results.latest('door')).toEqual(bench.results.at(-1));
    await removeZone(bench.site, 'door', 'left');
    expect(await send(left)).not.toHaveProperty('zones');
  });

  it('tells counts alone where its owner says so, and no events', async () => {
    await addZone(bench.site, 'door', { name: 'left', corners: LEFT });
    await changeOutput({ site: bench.site, model: 'tiny', output: { output: 'label' } });
    const told = await send(left);
    expect(told).toMatchObject({ task: 'map', counts: { car: 1 }, output: 'label' });
    expect(JSON.stringify(told)).not.toMatch(/points|zones|left/);
    const event = changeOutput({ site: bench.site, model: 'tiny', output: { output: 'event', equal: 3 } });
    await expect(event).rejects.toMatchObject({ code: 'OUTPUT_TASK' });
    // Also where the version before it, of another task, told events.
    await bench.site.store.models.setOutput('tiny', 1, { output: 'event', equal: 3 });
    expect((await bench.site.store.models.get('tiny'))!.output).toEqual({ output: 'label' });
  });

  it('refuses zones that cannot be, and says why', async () => {
    const add = (corners: Corners, name = 'left', camera = 'door') =>
      addZone(bench.site, camera, { name, corners });
    const refused = (code: string, message: string) => ({ code, message: expect.stringContaining(message) });
    await expect(add(LEFT, 'left', 'yard')).rejects.toMatchObject(
      refused('CAMERA_NOT_FOUND', 'no gateway has a camera yard; there are: door'),
    );
    await expect(add([...LEFT, [1.2, 0.5]])).rejects.toMatchObject(
      refused('ZONE_INVALID', 'corner 5 (1.2,0.5) is outside of the picture'),
    );
    await expect(add([[Number.NaN, 0], ...LEFT])).rejects.toMatchObject(refused('ZONE_INVALID', 'corner 1'));
    await expect(add(LEFT.slice(0, 2))).rejects.toMatchObject(refused('ZONE_INVALID', '2 corners: 3 to 16'));
    await expect(add(Array.from({ length: 17 }, () => [0.5, 0.5]))).rejects.toMatchObject(
      refused('ZONE_INVALID', '17 corners'),
    );
    await expect(add([LEFT[0]!, LEFT[1]!, [0.2, 0]])).rejects.toMatchObject(
      refused('ZONE_INVALID', 'enclose nothing'),
    );
    await expect(add(LEFT, 'Left Side')).rejects.toMatchObject(refused('ZONE_INVALID', 'lower-case'));
    await add(LEFT);
    await expect(add(LEFT)).rejects.toMatchObject(refused('ZONE_EXISTS', 'has a zone left'));
    await expect(removeZone(bench.site, 'door', 'right')).rejects.toMatchObject(
      refused('ZONE_NOT_FOUND', 'door has no zone right; it has: left'),
    );
    for (let i = 1; i < 16; i++) await add(LEFT, `zone-${i}`);
    await expect(add(LEFT, 'more')).rejects.toMatchObject(refused('ZONE_INVALID', '16 zones'));
    expect(await listZones(bench.site, 'door')).toHaveLength(16);
    expect((await listZones(bench.site))[0]).toEqual({ camera: 'door', name: 'left', corners: LEFT });
    const journal = await bench.site.store.journal.latest(99);
    expect(journal.find(({ code }) => code === 'ZONE_ADDED')).toMatchObject({ subject: 'door' });
  });
});
