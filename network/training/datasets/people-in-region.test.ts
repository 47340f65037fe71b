import { describe, expect, it } from 'vitest';
import { countInRegion, parseBoxes } from './people-in-region.ts';

const size = { width: 100, height: 50 };

describe('PeopleInRegion', () => {
  it('counts the boxes whose centre is in the region', () => {
    const text = 'frame,person,x,y,width,height\n0,1,10,10,20,20\n0,2,60,10,20,20\n3,1,70.5,0,9,50\n';
    const boxes = parseBoxes(text, 'people.csv');
    expect([...boxes.keys()]).toEqual([0, 3]);
    const left = { x: 0, y: 0, width: 0.5, height: 1 };
    expect(countInRegion(boxes.get(0)!, size, left)).toBe(1);
    expect(countInRegion(boxes.get(0)!, size, { ...left, width: 1 })).toBe(2);
    expect(countInRegion(boxes.get(3)!, size, left)).toBe(0);
    // A centre on the border belongs to the part behind it.
    expect(countInRegion(boxes.get(0)!, size, { x: 0.2, y: 0.4, width: 0.5, height: 0.5 })).toBe(1);
    expect(countInRegion(boxes.get(0)!, size, { x: 0.2, y: 0.4, width: 0.51, height: 0.5 })).toBe(2);
  });

  it.each(['0,1,10,10,20', '0,1,10,10,20,x', '0.5,1,1,1,1,1', '0,1,1,1,1,1,1'])(
    'names the line that is wrong: %s',
    (line) => {
      expect(() => parseBoxes(`frame,person,x,y,width,height\n0,1,1,1,1,1\n${line}`, 'p.csv')).toThrow(
        `p.csv:3: expected "frame,person,x,y,width,height", found "${line}"`,
      );
    },
  );
});
