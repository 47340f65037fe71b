import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { type ImportProgress, importNetwork } from '#network/compiler/importing/import-network.ts';
import { ImportRefused } from '#network/compiler/importing/import-refused.ts';
import type { ImportedNetwork } from '#network/compiler/importing/imported-network.ts';
import { checkImportName, writeImport } from '#network/compiler/importing/write-import.ts';
import { adaptPictureInput, type PixelScaling } from '#network/compiler/rewrite/picture-input.ts';
import { NetworkError } from '#network/errors.ts';
import { loadNetwork } from '#network/model/description/load-network.ts';
import { checkOutput } from './check-output.ts';
import { labelsOf, type PictureSource, readLabelledPictures } from './datasets/labelled-pictures.ts';
import { normalizeDataset } from './datasets/normalize-dataset.ts';
import { type FineTunerOptions, fineTuner } from './fine-tuner.ts';

/** What to import, and how. */
export type ImportRequest = {
  /** An ONNX file. */
  readonly network: string;
  /** Labelled pictures: an IDX file, a folder with one folder per class, or a video. */
  readonly calibrate: string;
  /** Further settings of the pictures. */
  readonly source: Omit<PictureSource, 'images' | 'pictures' | 'clip' | 'boxes' | 'trainShare'>;
  readonly scaling: PixelScaling;
  /** Degree of the polynomials. */
  readonly degree: number;
  /** Accepted loss of accuracy, 0 to 1. */
  readonly tolerance: number;
  readonly fineTune?: Pick<FineTunerOptions, 'epochs' | 'learningRate'>;
  /** File to keep the state of fine-tuning in, and to go on from. */
  readonly resume?: string;
  /** Where to write the network; `<name>-protected.onnx` here by default. */
  readonly out?: string;
};

const VIDEO = /\.(mp4|mkv|mov|avi|webm|ts)$/i;

async function sourceOf(
  { calibrate, source }: ImportRequest,
  known?: readonly string[],
): Promise<PictureSource> {
  const kind = (await stat(calibrate)).isDirectory() ? 'pictures' : VIDEO.test(calibrate) ? 'clip' : 'images';
  const classes = source.classes ?? (kind === 'images' ? undefined : known);
  return { ...source, [kind]: calibrate, ...(classes && { classes }) };
}

/** Refuses a resume file of what keeps no state. */
function refuseResume({ resume, fineTune, degree }: ImportRequest): void {
  if (resume === undefined) return;
  if (fineTune === undefined)
    throw new NetworkError(
      'NETWORK_RESUME',
      '--resume keeps the state of fine-tuning: give --fine-tune, too',
    );
  if (degree > 2) {
    throw new NetworkError(
      'NETWORK_RESUME',
      `--resume is for polynomials of degree 2, which are trained in stages, and the degree is ${degree}`,
    );
  }
}

/**
 * Makes a given network encryptable, using labelled pictures, and writes it with its description. Fails before the work if the result
 * could not be written.
 *
 * @param onPictures called with the number of pictures read
 * @param onKept called with the place of the fine-tuned network if its loss of accuracy is refused
 * @throws NetworkError if the files do not fit together, or the loss of accuracy exceeds the tolerance; the signal's reason.
 */
export async function importFile(
  request: ImportRequest,
  {
    signal,
    onPictures,
    onProgress,
    onKept,
  }: {
    readonly signal: AbortSignal;
    readonly onPictures: (count: number) => void;
    readonly onProgress: (report: ImportProgress) => void;
    readonly onKept: (file: string) => void;
  },
): Promise<{ readonly out: string; readonly imported: ImportedNetwork }> {
  const { scaling, degree, tolerance, fineTune, resume } = request;
  refuseResume(request);
  const network = await loadNetwork(request.network);
  const out = request.out ?? `${network.name}-protected.onnx`;
  checkImportName(out);
  await checkOutput(dirname(out), basename(out, '.onnx'), true);
  const source = await sourceOf(request, network.labels);
  const dataset = normalizeDataset(await readLabelledPictures(network.graph, source, signal), network);
  const graph = adaptPictureInput(network.graph, dataset.picture, scaling);
  const described = {
    labels: labelsOf(graph, dataset, network.labels ?? source.classes, source.images === undefined),
    source: basename(request.network),
    treatment: network,
  };
  onPictures(dataset.classes.length);
  try {
    const imported = await importNetwork(graph, {
      calibration: dataset,
      degree,
      tolerance,
      ...(fineTune && { fineTune: fineTuner({ ...fineTune, ...(resume !== undefined && { resume }) }) }),
      signal,
      onProgress,
    });
    await writeImport(out, imported, described);
    return { out, imported };
  } catch (error) {
    if (error instanceof ImportRefused && fineTune !== undefined) {
      const kept = out.replace(/\.onnx$/, '-refused.onnx');
      await writeImport(kept, error.imported, described);
      onKept(kept);
    }
    throw error;
  }
}
