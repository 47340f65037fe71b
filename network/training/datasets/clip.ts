import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { NetworkError } from '#network/errors.ts';
import { type Dataset, pictureValues } from '#network/model/dataset.ts';
import type { PictureFormat } from '#vision/picture-format.ts';
import { preparePicture, type Rectangle } from '#vision/prepare-picture.ts';

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

/** Width, height and rate of a clip, from ffprobe. */
async function probe(file: string, signal?: AbortSignal): Promise<FrameSize & { readonly rate: number }> {
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
  const size = { width: Number(width), height: Number(height) };
  if (!(size.width > 0 && size.height > 0))
    throw new NetworkError('NETWORK_DATA', `${file}: no video in this file`);
  const [frames, seconds] = rate.split('/').map(Number);
  return { ...size, rate: frames! / seconds! };
}

/**
 * Every frame of a clip as raw RGB, in order, and when it is shown, at the clip's mean rate; decoded by an ffmpeg child process. The buffer is
 * reused from frame to frame.
 */
export async function* readFrames(
  file: string,
  signal?: AbortSignal,
): AsyncGenerator<{ frame: Uint8Array; size: FrameSize; timeMs: number }> {
  const { rate, ...size } = await probe(file, signal);
  const bytes = size.width * size.height * 3;
  const args = [
    '-v',
    'error',
    '-nostdin',
    '-i',
    file,
    '-fps_mode',
    'passthrough',
    '-pix_fmt',
    'rgb24',
    '-f',
    'rawvideo',
    '-',
  ];
  const child = spawn('ffmpeg', args, { stdio: ['ignore', 'pipe', 'pipe'], ...(signal && { signal }) });
  let complaint = '';
  child.stderr.on('data', (chunk) => {
    complaint = `${complaint}${chunk}`.slice(-2000);
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  ended.catch(() => undefined);
  const frame = new Uint8Array(bytes);
  let filled = 0;
  let number = 0;
  try {
    for await (const chunk of child.stdout as AsyncIterable<Uint8Array>) {
      let at = 0;
      while (at < chunk.length) {
        const part = chunk.subarray(at, at + bytes - filled);
        frame.set(part, filled);
        filled += part.length;
        at += part.length;
        if (filled === bytes) {
          yield { frame, size, timeMs: (1000 * number++) / rate };
          filled = 0;
        }
      }
    }
    if ((await ended) !== 0)
      throw new NetworkError('NETWORK_DATA', `${file}: ffmpeg failed: ${complaint.trim()}`);
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
