import { createPrivateKey } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { InterpreterHost } from '#agent/inference/interpreter-host.ts';
import { openAuthority } from '#backend/enrolment/open-authority.ts';
import { deployModel } from '#backend/operations/deploy-model.ts';
import { enrolGateway } from '#backend/operations/enrol-gateway.ts';
import { protectModel } from '#backend/operations/protect-model.ts';
import { addZone } from '#backend/operations/zones.ts';
import { loadConfig } from '#config/load.ts';
import { AgentConfig } from '#config/schema.ts';
import { calibrateSteps } from '#network/compiler/lowering/calibrate-steps.ts';
import { lowerSteps } from '#network/compiler/lowering/lower-steps.ts';
import { writeOnnx } from '#network/model/onnx/onnx.ts';
import { SeededRandom } from '#network/model/random.ts';
import { runGraph } from '#network/model/run/run.ts';
import type { History, SiteState } from '#protocol/api.ts';
import { encodeEnvelope } from '#protocol/envelope.ts';
import { decodeManifest } from '#protocol/manifest.ts';
import { Result } from '#protocol/messages.ts';
import { gatewayTopics, siteTopics } from '#protocol/topics.ts';
import { systemClock } from '#runtime/clock.ts';
import { connectLink, type Link } from '#runtime/link.ts';
import { readLinkCredentials } from '#runtime/link-credentials.ts';
import { decodeMap } from '#vision/decode-map.ts';
import { makeSmallMap } from '../backend/testing/small-network.ts';
import { buildCockpit } from '../cockpit/build.mjs';
import { launchBrowser, openPage } from '../cockpit/testing/browser.ts';
import { type RunningSite, startRunningSite } from './testing/running-site.ts';

const WAIT = { timeout: 120_000, interval: 20 };
const PICTURE = { channels: 1, height: 12, width: 16 } as const;
const MAP = { height: 6, width: 8 };
const graph = makeSmallMap(6);
const random = new SeededRandom(5);
const pictures = Array.from({ length: 40 }, threeSpots);

/** A dark picture with three bright spots. */
function threeSpots(): Uint8Array {
  const spots = Array.from({ length: 3 }, () => [16 * random.uniform(), 12 * random.uniform()] as const);
  return Uint8Array.from({ length: 12 * 16 }, (_, i) => {
    const far = ([x, y]: (typeof spots)[number]) =>
      ((i % 16) + 0.5 - x) ** 2 + (Math.floor(i / 16) + 0.5 - y) ** 2;
    return (
      255 *
      Math.min(
        1,
        spots.reduce((light, spot) => light + Math.exp(-far(spot) / 4), 0),
      )
    );
  });
}

const mapOf = (picture: Uint8Array) =>
  Float64Array.from(
    runGraph(
      graph,
      Float32Array.from(picture, (b) => b / 255),
    ),
  );

let yard: RunningSite;
let browser: Browser;
let gateway: InterpreterHost;
let links: Link[];
/** What a cockpit was told. */
const told: Result[] = [];
let decoding: { threshold: number; smoothing: number; distance: number; most: number };
/** Publishes the encrypted answer about a picture, as the gateway does. */
let answer: (picture: Uint8Array) => Promise<void>;

beforeAll(async () => {
  yard = await startRunningSite();
  const { site, brokerUrl, log } = yard;
  const values = Float32Array.from(pictures.flatMap((picture) => [...picture].map((byte) => byte / 255)));
  const ranges = calibrateSteps(lowerSteps(graph), values);
  decoding = { threshold: 0.3 * ranges.logits, smoothing: 0, distance: 2, most: 64 };
  const folder = join(yard.data, '../map');
  await mkdir(folder);
  const file = join(folder, 'small-map.onnx');
  await writeFile(file, writeOnnx(graph));
  const description = { labels: ['car'], task: 'map', map: MAP, decoding, picture: PICTURE };
  const calibrated = { activationRanges: ranges.activations, logitRange: ranges.logits };
  await writeFile(join(folder, 'small-map.json'), JSON.stringify({ ...description, ...calibrated }));
  await protectModel({ site, network: file });

  const { configFile } = await enrolGateway({
    site,
    name: 'gate',
    outDirectory: join(folder, 'gate'),
    brokerUrl,
  });
  const release = await deployModel({ site, model: 'small-map', gateway: 'gate' });
  const { manifest } = decodeManifest(release.manifest);
  const directory = join(folder, 'bundle');
  await mkdir(directory);
  for (const part of manifest.parts)
    await writeFile(join(directory, part.name), await site.blobs.get(part.sha256));
  const bundle = { digest: release.digest, directory, manifest };
  gateway = await InterpreterHost.open({ bundle, kind: 'engine', threads: 1, selfTest: true });

  const { broker } = await loadConfig(configFile, AgentConfig);
  const shared = { url: brokerUrl, clock: systemClock, log };
  const own = connectLink({ ...shared, ...(await readLinkCredentials(broker)), clientId: 'gate' });
  const authority = await openAuthority(site.store, site.vault);
  const issued = await authority.issue({ kind: 'cockpit', commonName: 'cockpit', days: 1 });
  const cockpit = connectLink({ ...shared, ca: authority.certificate, ...issued, clientId: 'cockpit' });
  cockpit.subscribe(siteTopics('yard').results, (_, payload) =>
    told.push(Result.parse(JSON.parse(Buffer.from(payload).toString('utf8')))),
  );
  links = [own, cockpit];
  await vi.waitFor(() => expect(links.map((link) => link.connected)).toEqual([true, true]), WAIT);
  const signingKey = createPrivateKey(await readFile(join(folder, 'gate/signing.key')));
  let sequence = 0;
  answer = async (picture) => {
    const { ciphertext } = await gateway.run(picture);
    const envelope = encodeEnvelope(
      {
        ...{ schema: 1, site: 'yard', gateway: 'gate', camera: 'square', session: 1, sequence },
        ...{ frameTimeMs: Date.now() - 10, readyTimeMs: Date.now(), bundle: release.digest },
        ...{ interpreter: 'engine', historical: false, ciphertext },
        timings: { prepareMs: 1, encryptMs: 2, evaluateMs: 3 },
      },
      signingKey,
    );
    sequence += 1;
    await own.publish(gatewayTopics('yard', 'gate').inference('square'), envelope);
    await vi.waitFor(() => expect(told).toHaveLength(sequence), WAIT);
  };
});

afterAll(async () => {
  await browser?.close();
  await gateway?.close();
  for (const link of links ?? []) await link.close();
  await yard?.close();
});

/** Cells of the clear network's points, by row and column. */
function clearCells(map: Float64Array): string {
  const { points } = decodeMap(map, { ...decoding, ...MAP, classes: 1 });
  return JSON.stringify(points.map(({ row, column }) => [row, column]));
}

/** Whether the points do not depend on the noise that answers get, whose deviation is an 85th of the largest value: no cell is near the threshold or a neighbor. */
function isClear(picture: Uint8Array): boolean {
  const map = mapOf(picture);
  const moved = () => map.map((value) => value + (decoding.threshold / 0.3) * 0.04 * random.normal());
  const cells = clearCells(map);
  return (
    cells !== '[]' && Array.from({ length: 100 }, () => clearCells(moved())).every((one) => one === cells)
  );
}

it('goes from an encrypted picture to the points of the clear network, to topics, API and page', async () => {
  const chosen = pictures.filter(isClear).slice(0, 3);
  expect(chosen).toHaveLength(3);
  await answer(chosen[0]!);
  const lower = [
    [0, 0.5],
    [1, 0.5],
    [1, 1],
    [0, 1],
  ] as [number, number][];
  await addZone(yard.site, 'square', { name: 'lower', corners: lower });
  await answer(chosen[1]!);
  await answer(chosen[2]!);

  for (const [i, picture] of chosen.entries()) {
    const cells = JSON.parse(clearCells(mapOf(picture))) as [number, number][];
    const result = told[i]!;
    expect(result).toMatchObject({ camera: 'square', task: 'map', counts: { car: cells.length } });
    const read = result.points!.map(({ x, y }) => [Math.floor(y * MAP.height), Math.floor(x * MAP.width)]);
    expect(read).toEqual(cells);
    for (const { x, y } of result.points!) {
      expect(Math.abs(x * MAP.width - Math.floor(x * MAP.width) - 0.5)).toBeLessThan(0.005);
      expect(Math.abs(y * MAP.height - Math.floor(y * MAP.height) - 0.5)).toBeLessThan(0.005);
    }
    const low = cells.filter(([row]) => row >= 3).length;
    if (i === 0) expect(result).not.toHaveProperty('zones');
    else expect(result.zones).toEqual([{ name: 'lower', counts: { car: low } }]);
  }

  const newest = told[2]!;
  expect(await yard.site.store.results.latest('square')).toEqual(newest);
  const { cameras, models } = await yard.get<SiteState>('state');
  expect(cameras).toMatchObject([{ result: newest, zones: [{ name: 'lower', corners: lower }] }]);
  expect(models).toMatchObject([{ name: 'small-map', task: 'map', map: MAP }]);
  const history = await yard.get<History>('cameras/square/history');
  expect(history).toMatchObject({ task: 'map', labels: ['car'] });
  expect(history.counts).toEqual([told.map(({ counts }) => counts!.car)]);

  await buildCockpit();
  browser = await launchBrowser();
  const { page, complaints } = await openPage(browser);
  await page.goto(`http://127.0.0.1:${yard.backend.port}/`);
  const count = newest.counts!.car!;
  const words = `${count} ${count === 1 ? 'car' : 'cars'}: lower ${newest.zones![0]!.counts.car}`;
  await page.getByRole('img', { name: `Plan of square: ${words}` }).waitFor();
  expect(await page.locator('.plan-dot').count()).toBe(count);
  expect(complaints).toEqual([]);
});
