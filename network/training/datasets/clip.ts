import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { NetworkError } from '#network/errors.ts';
import { type Dataset, pictureValues } from '#network/model/dataset.ts';
import type { PictureFormat } from '#vision/picture-format.ts';
import { preparePicture, type Rectangle } from '#vision/prepare-picture.ts';
import { FfmpegLog } from './ffmpeg-log.ts';
import { PpmStream } from './ppm-stream.ts';

/** Size of a clip's frames in pixels. */
export type FrameSize = { readonly width: number; readonly height: number };

/**
 * Turns a raw RGB frame into the values byte / 255 that training varies: as on a gateway, except for the light, which is normalized
 * after a picture has been varied (`normalizeDataset`).
 */
export function prepareFrame(
  frame: Uint8Array,
  size: FrameSize,
  { channels, height, width }: PictureFormat,
  region?: Rectangle,
): Promise<Float32Array> {
  return preparePicture({ data: frame, ...size }, { channels, height, width }, region);
}

/** Frames a second of a clip, from ffprobe. */
async function probeRate(file: string, signal?: AbortSignal): Promise<number> {
  const entries = [
    '-v',
    'error',
    '-select_streams',
    'v:0',
    '-show_entries',
    'stream=width,height,avg_frame_rate',
    '-of',
    'csv=p=0',
  ];
  const child = spawn('ffprobe', [...entries, file], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(signal && { signal }),
  });
  const failed = once(child, 'error').then(([cause]) => {
    throw new NetworkError('NETWORK_DATA', 'ffprobe does not start; install ffmpeg', { cause });
  });
  const text = (async () => {
    let out = '';
    for await (const chunk of child.stdout) out += String(chunk);
    return out;
  })();
  const [width, height, rate = ''] = (await Promise.race([text, failed])).trim().split(',');
  if (!(Number(width) > 0 && Number(height) > 0))
    throw new NetworkError('NETWORK_DATA', `${file}: no video in this file`);
  const [frames, seconds] = rate.split('/').map(Number);
  return frames! / seconds!;
}

/**
 * Every frame of a clip as raw RGB, in order, turned upright, and when it is shown, at the clip's mean rate; decoded by an ffmpeg child process. The
 * buffer is reused from frame to frame.
 *
 * @throws NetworkError NETWORK_DATA if it cannot be read, or its size changes on the way; the signal's reason.
 */
export async function* readFrames(
  file: string,
  signal?: AbortSignal,
): AsyncGenerator<{ frame: Uint8Array; size: FrameSize; timeMs: number }> {
  const rate = await probeRate(file, signal);
  const args = [
    '-v',
    'level+info',
    '-nostdin',
    '-nostats',
    '-i',
    file,
    '-fps_mode',
    'passthrough',
    '-pix_fmt',
    'rgb24',
    '-vf',
    'showinfo=checksum=0',
    '-c:v',
    'ppm',
    '-f',
    'image2pipe',
    '-',
  ];
  const child = spawn('ffmpeg', args, { stdio: ['ignore', 'pipe', 'pipe'], ...(signal && { signal }) });
  const log = new FfmpegLog();
  child.stderr.setEncoding('utf8').on('data', (text: string) => log.add(text));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  ended.catch(() => undefined);
  const pictures = new PpmStream(file);
  let number = 0;
  try {
    for await (const chunk of child.stdout as AsyncIterable<Uint8Array>)
      for (const picture of pictures.push(chunk)) yield { ...picture, timeMs: (1000 * number++) / rate };
    const code = await ended;
    if (log.change !== null)
      throw new NetworkError('NETWORK_DATA', `${file}: ${log.change}; cut it where its size changes`);
    if (code !== 0) throw new NetworkError('NETWORK_DATA', `${file}: ffmpeg failed: ${log.errors}`);
  } finally {
    child.kill();
  }
}

/** The label of every frame, from a file of lines "frame,label" with a heading. */
export async function readFrameLabels(file: string): Promise<string[]> {
  const lines = (await readFile(file, 'utf8')).trim().split(/\r?\n/).slice(1);
  return lines.map((line, i) => {
    const [frame, label] = line.split(',');
    if (Number(frame) !== i || label === undefined) {
      throw new NetworkError('NETWORK_DATA', `${file}:${i + 2}: expected "${i},label", found "${line}"`);
    }
    return label.trim();
  });
}

/** A clip as labelled pictures; `frames[i]` is the frame number of picture i. */
export type ClipDataset = Dataset & { readonly frames: readonly number[] };

/**
 * Reads a clip and its label file. Frames whose label is not among `labels` (ambiguous ones) are skipped.
 *
 * @throws NetworkError NETWORK_DATA if the files cannot be read or do not belong together.
 */
export async function readClip(
  clip: string,
  labelFile: string,
  labels: readonly string[],
  picture: PictureFormat,
  options: { readonly region?: Rectangle; readonly signal?: AbortSignal } = {},
): Promise<ClipDataset> {
  const names = await readFrameLabels(labelFile);
  const frames: number[] = [];
  const values: Float32Array[] = [];
  let number = 0;
  for await (const { frame, size } of readFrames(clip, options.signal)) {
    if (labels.includes(names[number] ?? '')) {
      frames.push(number);
      values.push(await prepareFrame(frame, size, picture, options.region));
    }
    number++;
  }
  if (number !== names.length) {
    throw new NetworkError(
      'NETWORK_DATA',
      `${clip} has ${number} frames but ${labelFile} labels ${names.length}`,
    );
  }
  const pictures = new Float32Array(frames.length * pictureValues(picture));
  values.forEach((one, i) => {
    pictures.set(one, i * one.length);
  });
  const classes = Uint8Array.from(frames, (frame) => labels.indexOf(names[frame]!));
  return { picture, labels, pictures, classes, frames };
}
