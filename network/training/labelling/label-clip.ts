import { writeFile } from 'node:fs/promises';
import { boxesCsv } from '../boxes/write-boxes.ts';
import { contactSheet, evenly } from '../drawing/contact-sheet.ts';
import { type Proposal, type ProposalOptions, proposeBoxes } from './propose-boxes.ts';

/** What to label, and where to write it. */
export type LabelRequest = ProposalOptions & {
  readonly clip: string;
  /** File for the boxes, CSV. */
  readonly out: string;
  /** Label of all boxes; without one there is no such column, and whoever reads them says what they are. */
  readonly label?: string;
  /** File for the contact sheet, JPEG. */
  readonly sheet?: string;
};

/** Frames on a contact sheet. */
const SHEET_FRAMES = 40;
/** Of them, those in which there should be nothing. */
const EMPTY_FRAMES = 8;

/** Frames to check: most of them with boxes, some without, both from the entire clip. */
function framesToCheck({ boxes, frames }: Proposal): number[] {
  const full = new Set(boxes.map(({ frame }) => frame));
  const empty = evenly(
    Array.from({ length: frames }, (_, frame) => frame).filter((frame) => !full.has(frame)),
    EMPTY_FRAMES,
  );
  return [...evenly([...full], SHEET_FRAMES - empty.length), ...empty].sort((a, b) => a - b);
}

/**
 * Proposes boxes for the clip of a fixed camera (see {@link proposeBoxes}) and writes them, and a sheet of frames to check them by.
 *
 * @throws NetworkError NETWORK_DATA if the clip cannot be read; the signal's reason.
 */
export async function labelClip(request: LabelRequest): Promise<Proposal> {
  const { clip, out, label, sheet, signal, ...options } = request;
  const proposal = await proposeBoxes(clip, { ...options, ...(signal && { signal }) });
  const boxes = proposal.boxes.map((box) => ({ ...box, ...(label !== undefined && { label }) }));
  if (sheet !== undefined) {
    const byFrame = Map.groupBy(proposal.boxes, ({ frame }) => frame);
    const marks = (frame: number) => ({ boxes: byFrame.get(frame) ?? [] });
    await writeFile(sheet, await contactSheet(clip, framesToCheck(proposal), marks, signal));
  }
  await writeFile(out, boxesCsv(boxes));
  return proposal;
}
