import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { readClip } from '#network/datasets/clip.ts';
import { type Dataset, pictureValues, selectPictures } from '#network/datasets/dataset.ts';
import { readIdxDataset } from '#network/datasets/idx-pictures.ts';
import { readPictureFolder } from '#network/datasets/picture-folder.ts';
import { NetworkError } from '#network/errors.ts';
import { loadNetwork } from '#network/evaluation/load-network.ts';
import { adaptPictureInput } from '#network/evaluation/picture-input.ts';
import { type ImportProgress, importNetwork } from '#network/importing/import-network.ts';
import { ImportRefused } from '#network/importing/import-refused.ts';
import { importJson, importText } from '#network/importing/import-report.ts';
import { checkImportName, writeImport } from '#network/importing/write-import.ts';
import type { Graph } from '#network/model/graph.ts';
import { runGraph } from '#network/model/run.ts';
import type { ModelImportOptions } from '../commands/model-import.ts';
import { printJson } from '../print.ts';
import { Progress } from '../progress.ts';
import { EXIT } from '../report-error.ts';
import { stopSignal } from '../stop-signal.ts';

const VIDEO = /\.(mp4|mkv|mov|avi|webm|ts)$/i;

/** The size of pictures that a network takes, without the border that is added. */
function pictureOf(graph: Graph, pad: number): Dataset['picture'] {
  const shape = graph.inputs[0]?.shape?.slice(1) ?? [];
  const [a = 0, b = 0, c = 0] = shape;
  const [channels, height, width] = a === 1 || a === 3 ? [a, b, c] : [c, a, b];
  if (shape.length !== 3 || (channels !== 1 && channels !== 3)) {
    throw new NetworkError(
      'NETWORK_SHAPE',
      `the network takes ${shape.join('×')}: for a folder or a clip it must take pictures of 1 or 3 channels; give IDX files instead`,
    );
  }
  return { channels, height: height - 2 * pad, width: width - 2 * pad };
}

/** Black borders, as {@link readIdxDataset} adds them. */
function padded(dataset: Dataset, pad: number): Dataset {
  if (pad === 0) return dataset;
  const { channels, height, width } = dataset.picture;
  const picture = { channels, height: height + 2 * pad, width: width + 2 * pad };
  const rows = dataset.classes.length * channels * height;
  const pictures = new Float32Array(dataset.classes.length * channels * picture.height * picture.width);
  for (let row = 0; row < rows; row++) {
    const plane = Math.floor(row / height);
    const to = (plane * picture.height + (row % height) + pad) * picture.width + pad;
    pictures.set(dataset.pictures.subarray(row * width, (row + 1) * width), to);
  }
  return { ...dataset, picture, pictures };
}

/** Reads the labelled pictures that the options name. */
async function readPictures(
  graph: Graph,
  options: ModelImportOptions,
  signal: AbortSignal,
): Promise<Dataset> {
  const { calibrate, labels, classes, pad = 0, limit, region } = options;
  if ((await stat(calibrate)).isDirectory()) {
    const names = classes === undefined ? {} : { names: classes };
    const picture = pictureOf(graph, pad);
    return padded(await readPictureFolder({ folder: calibrate, picture, ...names, signal }), pad);
  }
  if (VIDEO.test(calibrate)) {
    if (labels === undefined || classes === undefined) {
      throw new NetworkError('NETWORK_DATA', `${calibrate}: a clip needs --labels (CSV) and --classes`);
    }
    const where = { signal, ...(region && { region }) };
    return padded(await readClip(calibrate, labels, classes, pictureOf(graph, pad), where), pad);
  }
  if (labels === undefined) {
    throw new NetworkError(
      'NETWORK_DATA',
      `${calibrate}: give the classes of the pictures with --labels; approximations are chosen by accuracy`,
    );
  }
  return await readIdxDataset({
    images: calibrate,
    labels,
    pad,
    ...(limit !== undefined && { limit }),
    ...(classes && { names: classes }),
  });
}

/** Names of the outputs: those that were given, or those of the pictures, which need not show every class. */
function labelsOf(graph: Graph, dataset: Dataset, given: readonly string[] | undefined): readonly string[] {
  const outputs = runGraph(graph, dataset.pictures.subarray(0, pictureValues(dataset.picture))).length;
  const labels =
    given ?? Array.from({ length: outputs }, (_, i) => dataset.labels[i] ?? String(i)).slice(0, outputs);
  if (labels.length !== outputs || dataset.labels.length > outputs) {
    throw new NetworkError(
      'NETWORK_DATA',
      `${Math.max(labels.length, dataset.labels.length)} classes, but the network has ${outputs} outputs`,
    );
  }
  return labels;
}

function firstPictures(dataset: Dataset, limit = Number.POSITIVE_INFINITY): Dataset {
  if (limit >= dataset.classes.length) return dataset;
  return selectPictures(
    dataset,
    Array.from({ length: limit }, (_, i) => i),
  );
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

function importLines(progress: Progress): (report: ImportProgress) => void {
  return (report) => {
    const { step } = report;
    if (step === 'approximated') {
      const { operator, node, method, degree, accuracy } = report.layer;
      const text = `${operator} '${node}' → ${method}, degree ${degree}: ${percent(accuracy)}`;
      progress.update(`approximating ${node}`, text);
    } else if (step === 'slower') {
      const text = `the loss grew beyond all bounds; again at a learning rate of ${report.learningRate}`;
      progress.update('slower', text);
    } else {
      const loss = step === 'fine-tuning' ? `: loss ${report.loss.toFixed(4)}` : '';
      progress.update(step, `${step}, ${Math.round(100 * report.done)} %${loss}`, report.done);
    }
  };
}

/** `blindsight model import FILE --calibrate DATA`. Stopped before its end, it writes nothing. */
export async function importModel(file: string, options: ModelImportOptions): Promise<void> {
  const { divide, mean, std, degree, tolerance, fineTune, learningRate } = options;
  const signal = stopSignal();
  const progress = new Progress();
  try {
    const network = await loadNetwork(file);
    const out = options.out ?? `${network.name}-protected.onnx`;
    // Better now than after an hour of fine-tuning.
    checkImportName(out);
    progress.update('reading', `reading ${options.calibrate}`);
    const dataset = firstPictures(await readPictures(network.graph, options, signal), options.limit);
    const graph = adaptPictureInput(network.graph, dataset.picture, {
      ...(divide !== undefined && { divide }),
      ...(mean && { mean }),
      ...(std && { deviation: std }),
    });
    const labels = labelsOf(graph, dataset, network.labels ?? options.classes);
    progress.update('given', `measuring on ${dataset.classes.length} pictures`);
    const described = { labels, source: basename(file) };
    const imported = await importNetwork(graph, {
      calibration: dataset,
      degree,
      tolerance: tolerance / 100,
      ...(fineTune !== undefined && {
        fineTune: {
          ...(fineTune !== true && { epochs: fineTune }),
          ...(learningRate !== undefined && { learningRate }),
        },
      }),
      signal,
      onProgress: importLines(progress),
    }).catch(async (error: unknown) => {
      if (error instanceof ImportRefused && fineTune !== undefined) {
        const kept = out.replace(/\.onnx$/, '-refused.onnx');
        await writeImport(kept, error.imported, described);
        progress.end();
        process.stderr.write(`… what fine-tuning made is kept as ${kept}, in case you accept the loss\n`);
      }
      throw error;
    });
    await writeImport(out, imported, described);
    progress.end();
    if (options.json) printJson({ network: out, ...importJson(imported) });
    else process.stdout.write(`${importText(imported)}\nwritten: ${out}\n`);
  } catch (error) {
    progress.end();
    if (!signal.aborted) throw error;
    process.stderr.write('stopped; nothing was written\n');
    process.exitCode = EXIT.interrupted;
  }
}
