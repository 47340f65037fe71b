import { readFile } from 'node:fs/promises';
import { compareWeights } from '#network/fingerprint/compare-weights.ts';
import { falseAlarmExponent, MarkFinder } from '#network/fingerprint/find-mark.ts';
import type { Graph } from '#network/model/graph.ts';
import { readOnnx } from '#network/model/onnx/onnx.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { SECRETS } from '../sealing/identities.ts';
import type { Site } from '../site.ts';
import type { ModelRecord } from '../store/models.ts';
import type { KeySetRecord } from '../store/protections.ts';
import { findModel, listModels } from './models.ts';

/** A key set whose fingerprint was found. */
export type TracedCopy = {
  readonly model: string;
  readonly version: number;
  readonly keySet: number;
  /** Gateways that ever got it; none if it was never deployed. */
  readonly gateways: readonly string[];
  /** Share of the fingerprint that is still there: 1 in a plain copy, ½ in the mean of two. */
  readonly share: number;
  /** How many standard deviations the correlation is away from what chance gives. */
  readonly statistic: number;
  /** log10 of the probability that any of the site's fingerprints would be found in a network made without them. */
  readonly falseAlarmExponent: number;
};

/** Where a network comes from, as far as its weights tell. */
export type Trace = {
  /** `named`: it carries fingerprints. `original`: it is what the owner protected, before any was put in. */
  readonly verdict: 'named' | 'original' | 'none' | 'other-architecture';
  /** Strongest first; empty unless named. */
  readonly copies: readonly TracedCopy[];
  /** The network of the site that it is closest to, and how far away, in standard deviations of its weights. */
  readonly closest: { readonly model: string; readonly version: number; readonly difference: number } | null;
  /** Fingerprints that were looked for. */
  readonly fingerprints: number;
};

/** A gateway is named where chance does so no more often than once in a million traces. */
const LARGEST_EXPONENT = -6;

type Compared = {
  readonly model: ModelRecord;
  readonly finder: MarkFinder;
  readonly keySets: readonly KeySetRecord[];
};

/** Key sets of a network whose weights were marked; older software marked none. */
async function markedKeySets({ store }: Site, { name, version }: ModelRecord): Promise<KeySetRecord[]> {
  const identities = new Set(await store.secrets.identities());
  const keySets = await store.protections.of(name, version);
  return keySets.filter((keySet) => identities.has(SECRETS.keySetFingerprint(keySet)));
}

/** Gateways that ever got a network under a key set. */
async function holdersOf(
  { store }: Site,
  { model, version, number, gateway }: KeySetRecord,
): Promise<string[]> {
  const releases = await store.deployments.list();
  const got = releases.filter(
    (one) => one.model === model && one.version === version && one.protection === number,
  );
  const names = [...got.map((one) => one.gateway), ...(gateway === null ? [] : [gateway])];
  return [...new Set(names)].sort();
}

async function compareWith(site: Site, leaked: Graph, model: ModelRecord): Promise<MarkFinder | null> {
  const onnx = await site.vault.fetch(site.store, SECRETS.modelOnnx(model.name, model.version));
  try {
    const differences = compareWeights(readOnnx(onnx), leaked);
    return differences === null ? null : new MarkFinder(differences);
  } finally {
    onnx.fill(0);
  }
}

/** Every network of the site that has the leaked one's architecture; equal originals are compared once. */
async function compareWithAll(
  site: Site,
  leaked: Graph,
  models: readonly ModelRecord[],
  onProgress?: (step: string, fraction: number) => void,
): Promise<Compared[]> {
  const finders = new Map<string, MarkFinder | null>();
  const compared: Compared[] = [];
  for (const [i, model] of models.entries()) {
    onProgress?.(`comparing with ${model.name} version ${model.version}`, i / models.length);
    if (!finders.has(model.onnxSha256)) finders.set(model.onnxSha256, await compareWith(site, leaked, model));
    const finder = finders.get(model.onnxSha256);
    if (finder) compared.push({ model, finder, keySets: await markedKeySets(site, model) });
  }
  return compared;
}

/**
 * Reads a leaked network.
 *
 * @throws BlindsightError MODEL_UNREADABLE where there is no such file.
 */
export async function readLeaked(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new BlindsightError('MODEL_UNREADABLE', `${file} cannot be read`, { cause });
  }
}

/**
 * Finds out which gateway a network leaked from: compares its weights with those of the site's networks, and looks for the fingerprint of
 * every key set in the differences.
 *
 * @param onnx the leaked network.
 * @param options.model looks for copies of this network only.
 * @throws NetworkError NETWORK_FILE and others if it cannot be read; BlindsightError MODEL_NOT_FOUND, SECRET_MISSING, SECRET_TAMPERED.
 */
export async function traceModel(
  site: Site,
  onnx: Uint8Array,
  options: { readonly model?: string; readonly onProgress?: (step: string, fraction: number) => void } = {},
): Promise<Trace> {
  const leaked = readOnnx(onnx);
  if (options.model !== undefined) await findModel(site, options.model);
  const models = (await listModels(site)).filter(({ name }) => name === (options.model ?? name));
  const compared = await compareWithAll(site, leaked, models, options.onProgress);
  const fingerprints = compared.reduce((sum, { keySets }) => sum + keySets.length, 0);
  const copies: TracedCopy[] = [];
  for (const { finder, keySets } of compared) {
    for (const keySet of keySets) {
      const key = await site.vault.fetch(site.store, SECRETS.keySetFingerprint(keySet));
      const { share, statistic } = finder.find(key);
      key.fill(0);
      const exponent = falseAlarmExponent(statistic, fingerprints);
      if (exponent > LARGEST_EXPONENT) continue;
      const { model, version, number } = keySet;
      const gateways = await holdersOf(site, keySet);
      copies.push({
        model,
        version,
        keySet: number,
        gateways,
        share,
        statistic,
        falseAlarmExponent: exponent,
      });
    }
  }
  copies.sort((a, b) => b.statistic - a.statistic);
  const [nearest] = compared.toSorted((a, b) => a.finder.difference - b.finder.difference);
  const closest = nearest && {
    model: nearest.model.name,
    version: nearest.model.version,
    difference: nearest.finder.difference,
  };
  return { verdict: verdictOf(copies, nearest?.finder), copies, closest: closest ?? null, fingerprints };
}

function verdictOf(copies: readonly TracedCopy[], nearest: MarkFinder | undefined): Trace['verdict'] {
  if (copies.length > 0) return 'named';
  if (nearest === undefined) return 'other-architecture';
  return nearest.isOriginal ? 'original' : 'none';
}
