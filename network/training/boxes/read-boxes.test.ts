import { describe, expect, it } from 'vitest';
import type { BoxOptions } from './box.ts';
import { parseBoxes, readBoxes } from './read-boxes.ts';
import { boxesCsv } from './write-boxes.ts';

const person = { labels: ['person'] };
const read = (text: string, options: BoxOptions = {}) => parseBoxes(text, 'b', options).boxes;

const coco = (change: object = {}) => ({
  info: { year: 2026 },
  images: [
    { id: 'b', file_name: 'clip7/frame_000012.jpg', width: 480, height: 360 },
    { id: 'a', file_name: 'x.jpg', frame_id: 3, width: 480, height: 360 },
  ],
  annotations: [
    { image_id: 'b', category_id: 2, bbox: [1, 2, 3, 4], area: 12, iscrowd: 0 },
    { image_id: 'a', category_id: 1, bbox: [5, 6, 7, 8.5] },
    { image_id: 'a', category_id: 1, bbox: [0, 0, 70, 80], iscrowd: 1 },
  ],
  categories: [
    { id: 1, name: 'person' },
    { id: 2, name: 'car' },
  ],
  ...change,
});
const cocoText = (change: object = {}) => JSON.stringify(coco(change));

describe('ReadBoxes', () => {
  it('reads CSV by its heading, whatever the order of columns and lines', () => {
    const text =
      '\ufeffHeight,frame,"label",x,y,width,note\r\n4,2,car,1,-2,3.5,far\r\n\r\n8,0,"van, ""big""",5,6,7,\r\n';
    expect(read(text)).toEqual([
      { frame: 0, label: 'van, "big"', x: 5, y: 6, width: 7, height: 8 },
      { frame: 2, label: 'car', x: 1, y: -2, width: 3.5, height: 4 },
    ]);
    const only = parseBoxes(text, 'b', { labels: ['car'], firstFrame: -1 });
    expect(only.boxes.map(({ frame, label }) => [frame, label])).toEqual([[3, 'car']]);
    expect(only.of(3)).toHaveLength(1);
    expect(only.of(1)).toEqual([]);
  });

  it('labels boxes that say nothing with the one label that is wanted', () => {
    const text = 'frame,person,x,y,width,height\n0,9,312.0,98.6,19.4,47.0\n';
    expect(read(text, person)).toEqual([
      { frame: 0, label: 'person', x: 312, y: 98.6, width: 19.4, height: 47 },
    ]);
    expect(() => read(text)).toThrow('b: its boxes do not say what they are; add a column "label"');
    expect(() => read(text, { labels: ['dog', 'cat'] })).toThrow('which of dog, cat they are');
  });

  it('reads gt.txt of MOTChallenge, with and without classes: frames and pixels from 1, what is not considered left out', () => {
    const with9 = '2,1,11,21,30,40,1,1,0.5\n1,4,1,1,9,9,1,3,1\n1,5,1,1,9,9,0,8,1\n';
    expect(read(with9)).toEqual([
      { frame: 0, label: 'car', x: 0, y: 0, width: 9, height: 9 },
      { frame: 1, label: 'pedestrian', x: 10, y: 20, width: 30, height: 40 },
    ]);
    expect(read(with9, person).map(({ label }) => label)).toEqual(['person']);
    const with10 = '1,1,11,21,30,40,1,-1,-1,-1\n2,1,11,21,30,40,0,-1,-1,-1\n';
    expect(read(with10, person)).toEqual([
      { frame: 0, label: 'person', x: 10, y: 20, width: 30, height: 40 },
    ]);
    expect(read(with10, { ...person, firstFrame: 0 })[0]?.frame).toBe(1);
  });

  it('reads COCO: frames by frame_id or file name, crowds left out', () => {
    expect(read(cocoText())).toEqual([
      { frame: 3, label: 'person', x: 5, y: 6, width: 7, height: 8.5 },
      { frame: 12, label: 'car', x: 1, y: 2, width: 3, height: 4 },
    ]);
    expect(read(cocoText(), { firstFrame: 3, labels: ['person'] })[0]?.frame).toBe(0);
  });

  it('writes what it reads', () => {
    const boxes = [
      { frame: 3, label: 'van, "big"', x: -1.5, y: 0, width: 2, height: 1e-7 },
      { frame: 0, label: ' a ', x: 1, y: 0, width: 2, height: 3 },
    ];
    expect(read(boxesCsv(boxes))).toEqual(boxes.toReversed());
  });

  it.each([
    ['', 'b: the file is empty'],
    ['frame,label,x,y,width,height\n', 'b: there is no box in it'],
    ['frame,label,x,y,height\n0,a,1,1,1', 'b:1: no column width; expected a heading such as'],
    ['frame,label,x,y,width,height\n0,a,1,1,1,1\n0,a,1,1,1', 'b:3: 5 fields, but the heading has 6'],
    ['frame,label,x,y,width,height\n0.5,a,1,1,1,1', 'b:2: its frame is no whole number'],
    ['frame,label,x,y,width,height\n-1,a,1,1,1,1', 'b:2: its frame lies 1 before the first'],
    ['frame,label,x,y,width,height\n0,a,,1,1,1', 'b:2: its x is no number of pixels'],
    ['frame,label,x,y,width,height\n0,a,1,0x1,1,1', 'b:2: its y is no number of pixels'],
    ['frame,label,x,y,width,height\n0,a,1,1,0,1', 'b:2: a box of 0 × 1 pixels is none'],
    ['frame,label,x,y,width,height\n0,,1,1,1,1', 'b:2: its label is empty'],
    ['frame,label,x,y,width,height\n1,a,1,1,1,1\n0,a,1,1,1,1\n1,a,1,1,1,1.0', 'b:4: the same box as b:2'],
    ['1,1,1,1', 'b: 4 columns: expected the 9 or 10 of a gt.txt'],
    ['1,1,1,1,1,1,1,1,1\n1,1,1,1,1,1,1,x,1', 'b:2: expected 9 numbers as in the first line'],
    ['1,1,1,1,1,1,1,14,1', 'b:1: class 14: expected 1 to 13'],
    ['0,1,1,1,1,1,1,1,1', 'b:1: its frame lies 1 before the first'],
    ['{"images": [', 'b: no JSON ('],
    ['{"images": [], "annotations": [{}], "categories": []}', 'b.annotations[0].image_id: '],
    [cocoText({ categories: [] }), 'b.annotations[0]: no category has id 2'],
    [cocoText({ images: [] }), 'b.annotations[0]: no picture has id b'],
    [cocoText({ images: [{ id: 1, file_name: 'x.jpg' }] }), 'b.images[0]: which frame is it?'],
    [cocoText({ annotations: [] }), 'b: there is no box in it'],
  ])('says what is wrong and where: %j', (text, message) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code: 'NETWORK_BOXES' }));
    expect(() => read(text)).toThrow(message);
  });

  it('refuses COCO pictures of different sizes or with one id', () => {
    const [first, second] = coco().images;
    const images = [first, { ...second, width: 640 }];
    expect(() => read(cocoText({ images }))).toThrow(
      'b.images[1]: 640 × 360 pixels, those before it 480 × 360',
    );
    expect(() => read(cocoText({ images: [first, first] }))).toThrow(
      'b.images[1]: a second picture with id b',
    );
  });

  it('names the labels that are there if none is wanted, and a file that cannot be read', async () => {
    expect(() => read(cocoText(), { labels: ['dog'] })).toThrow(
      'none of its boxes is labelled dog; its labels are car, person',
    );
    await expect(readBoxes('/nowhere/boxes.csv')).rejects.toThrow('/nowhere/boxes.csv: cannot be read');
  });

  it('finds boxes of another clip by frame, place and size', () => {
    const extent = { width: 480, height: 360, frames: 13 };
    const boxes = parseBoxes(cocoText(), 'b');
    boxes.checkClip('c.mp4', extent);
    const code = expect.objectContaining({ code: 'NETWORK_CLIP' });
    expect(() => boxes.checkClip('c.mp4', { ...extent, frames: 12 })).toThrow(code);
    expect(() => boxes.checkClip('c.mp4', { ...extent, frames: 12 })).toThrow(
      'b.annotations[0]: a box in frame 12 (the first is 0), but c.mp4 has 12 frames',
    );
    expect(() => boxes.checkClip('c.mp4', { ...extent, width: 640 })).toThrow(
      'b: boxes on pictures of 480 × 360 pixels, but c.mp4 has 640 × 360',
    );
    const csv = (line: string) => parseBoxes(`frame,label,x,y,width,height\n0,a,470,1,20,20\n${line}`, 'b');
    csv('0,a,-10,-5,20,20').checkClip('c.mp4', extent);
    for (const line of ['0,a,480,1,2,2', '0,a,1,360,2,2', '0,a,-2,1,2,2', '0,a,1,-2,2,2'])
      expect(() => csv(line).checkClip('c.mp4', extent), line).toThrow(/^b:3: a box at .* lies outside/);
  });
});
