import type { AnsweredPicture } from '#protocol/envelope.ts';
import type { InterpreterHost } from './interpreter-host.ts';

/** A picture of one camera, or several regions of it, as the network takes them. */
export type JobPart = {
  readonly about: AnsweredPicture;
  /** One picture for each region, or one. */
  readonly pictures: Uint8Array<ArrayBuffer>;
  /** How many these are. */
  readonly places: number;
  readonly prepareMs: number;
  /** Milliseconds since the epoch when it was prepared. */
  readonly preparedTimeMs: number;
};

/** What one run of the network answers about. */
export type JobRun = { readonly parts: JobPart[] };

/** Pictures that are prepared for a network: one frame of each of some cameras, in as many runs as they take. */
export class Job<Lane> {
  readonly host: InterpreterHost;
  /** Nothing else joins its pictures. */
  readonly isAlone: boolean;
  readonly runs: JobRun[] = [];
  readonly lanes = new Set<Lane>();

  /** @param parts of the camera whose turn it is: a run each */
  constructor(lane: Lane, host: InterpreterHost, parts: readonly JobPart[], isAlone: boolean) {
    this.host = host;
    this.isAlone = isAlone;
    this.lanes.add(lane);
    for (const part of parts) this.runs.push({ parts: [part] });
  }

  /** Whether a run has room for so many pictures of another camera. */
  hasRoom(places: number): boolean {
    return !this.isAlone && this.#find(places) !== undefined;
  }

  /** Adds the picture of another camera to the first run that has room for it. */
  join(lane: Lane, part: JobPart): void {
    this.lanes.add(lane);
    this.#find(part.places)!.parts.push(part);
  }

  /** Nothing stays of pictures that are not computed. */
  wipe(): void {
    for (const { parts } of this.runs) for (const { pictures } of parts) pictures.fill(0);
  }

  #find(places: number): JobRun | undefined {
    return this.runs.find(({ parts }) => placesOf(parts) + places <= this.host.regions);
  }
}

const placesOf = (parts: readonly JobPart[]): number => parts.reduce((sum, part) => sum + part.places, 0);

/**
 * The pictures of a run, one after the other, and the first ones again for what room is left: a black picture could be one that the network was never calibrated
 * for. The parts are wiped.
 */
export function fillPlaces({ parts }: JobRun, regions: number): Uint8Array<ArrayBuffer> {
  const used = placesOf(parts);
  const size = parts[0]!.pictures.length / parts[0]!.places;
  const bytes = new Uint8Array(regions * size);
  let at = 0;
  for (const { pictures } of parts) {
    bytes.set(pictures, at);
    at += pictures.length;
    pictures.fill(0);
  }
  for (let i = used; i < regions; i++) {
    const from = (i % used) * size;
    bytes.copyWithin(i * size, from, from + size);
  }
  return bytes;
}
