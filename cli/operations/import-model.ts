import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { type ImportProgress, importNetwork } from '#network/compiler/importing/import-network.ts';
import { ImportRefused } from '#network/compiler/importing/import-refused.ts';
import { importJson, importText } from '#network/compiler/importing/import-report.ts';
import { checkImportName, writeImport } from '#network/compiler/importing/write-import.ts';
import { adaptPictureInput } from '#network/compiler/rewrite/picture-input.ts';
import { loadNetwork } from '#network/model/description/load-network.ts';
import { normalizeDataset } from '#network/training/datasets/normalize-dataset.ts';
import { fineTuner } from '#network/training/fine-tuner.ts';
import { EXIT } from '#runtime/exit.ts';
import type { ModelImportOptions } from '../commands/model-import.ts';
import { printJson } from '../print.ts';
import { Progress } from '../progress.ts';
import { stopSignal } from '../stop-signal.ts';
import { labelsOf, type PictureSource, readLabelledPictures } from './labelled-pictures.ts';

const VIDEO = /\.(mp4|mkv|mov|avi|webm|ts)$/i;

/** `--calibrate` names an IDX file, a folder or a clip. */
async function sourceOf(options: ModelImportOptions, known?: readonly string[]): Promise<PictureSource> {
  const { calibrate, labels, classes = known, region, pad, limit } = options;
  const kind = (await stat(calibrate)).isDirectory() ? 'pictures' : VIDEO.test(calibrate) ? 'clip' : 'images';
  return {
    [kind]: calibrate,
    ...(labels !== undefined && { labels }),
    // An IDX file brings numbers; its classes are named where somebody asked for it.
    ...(classes && (kind !== 'images' || options.classes) && { classes }),
    ...(region && { region }),
    ...(pad !== undefined && { pad }),
    ...(limit !== undefined && { limit }),
  };
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

function importLines(progress: Progress): (report: ImportProgress) => void {
  return (report) => {
    const { step } = report;
    if (step === 'approximated') {
      const { caption, node, method, degree, accuracy } = report.layer;
      const text = `${caption} → ${method}, degree ${degree}: ${percent(accuracy)}`;
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
    const source = await sourceOf(options, network.labels);
    const dataset = normalizeDataset(await readLabelledPictures(network.graph, source, signal), network);
    const graph = adaptPictureInput(network.graph, dataset.picture, {
      ...(divide !== undefined && { divide }),
      ...(mean && { mean }),
      ...(std && { deviation: std }),
    });
    const labels = labelsOf(graph, dataset, network.labels ?? options.classes, source.images === undefined);
    progress.update('given', `measuring on ${dataset.classes.length} pictures`);
    const described = {
      labels,
      source: basename(file),
      ...(network.light && { light: network.light }),
    };
    const imported = await importNetwork(graph, {
      calibration: dataset,
      degree,
      tolerance: tolerance / 100,
      ...(fineTune !== undefined && {
        fineTune: fineTuner({
          ...(fineTune !== true && { epochs: fineTune }),
          ...(learningRate !== undefined && { learningRate }),
        }),
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
