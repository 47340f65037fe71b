/** Pictures side by side in lanes, and back; see convolutions.ts. */

// @ts-ignore: decorator
@inline
function low(a: v128, b: v128): v128 { return i32x4.shuffle(a, b, 0, 4, 1, 5); }
// @ts-ignore: decorator
@inline
function high(a: v128, b: v128): v128 { return i32x4.shuffle(a, b, 2, 6, 3, 7); }
// @ts-ignore: decorator
@inline
function lowPairs(a: v128, b: v128): v128 { return i32x4.shuffle(a, b, 0, 1, 4, 5); }
// @ts-ignore: decorator
@inline
function highPairs(a: v128, b: v128): v128 { return i32x4.shuffle(a, b, 2, 3, 6, 7); }

/** Four pixels of four pictures to four pictures of four pixels. */
// @ts-ignore: decorator
@inline
function turn(to: usize, row: usize, a: v128, b: v128, c: v128, d: v128): void {
  const ab = low(a, b), cd = low(c, d), ab2 = high(a, b), cd2 = high(c, d);
  v128.store(to, lowPairs(ab, cd)); v128.store(to + row, highPairs(ab, cd));
  v128.store(to + 2 * row, lowPairs(ab2, cd2)); v128.store(to + 3 * row, highPairs(ab2, cd2));
}

/**
 * Words: 0 lanes [group][pixel][channel][8], 1 pictures, 2 channels, 3 pixels, 4 pictures in all, 5 distance of two pictures, 6 of two channels.
 * A part is a group; lanes without a picture become 0.
 */
export function toLanes(args: usize, part: i32): void {
  const channels = load<i32>(args, 8), pixels = load<i32>(args, 12), batch = load<i32>(args, 16);
  const step = <usize>load<i32>(args, 20) << 2, jump = <usize>load<i32>(args, 24) << 2;
  const row = <usize>channels << 5;
  const lanes = <usize>load<i32>(args) + <usize>(part * pixels) * row;
  const first = <usize>load<i32>(args, 4) + <usize>(part * 8) * step;
  const own = min(8, batch - part * 8);
  const whole = own == 8 ? pixels & ~3 : 0;
  for (let c = 0; c < channels; c++) {
    let to = lanes + (<usize>c << 5);
    let from = first + <usize>c * jump;
    let p = 0;
    for (; p < whole; p += 4, from += 16, to += 4 * row) {
      turn(to, row, v128.load(from), v128.load(from + step), v128.load(from + 2 * step), v128.load(from + 3 * step));
      turn(to + 16, row, v128.load(from + 4 * step), v128.load(from + 5 * step), v128.load(from + 6 * step), v128.load(from + 7 * step));
    }
    for (; p < pixels; p++, from += 4, to += row) {
      for (let l = 0; l < 8; l++) store<f32>(to + (<usize>l << 2), l < own ? load<f32>(from + <usize>l * step) : 0);
    }
  }
}

// @ts-ignore: decorator
@inline
function put(to: usize, add: bool, value: v128): void {
  v128.store(to, add ? f32x4.add(v128.load(to), value) : value);
}

/** Four pictures' four pixels, from rows of lanes. */
// @ts-ignore: decorator
@inline
function turnBack(to: usize, step: usize, add: bool, from: usize, row: usize): void {
  const a = v128.load(from), b = v128.load(from + row), c = v128.load(from + 2 * row), d = v128.load(from + 3 * row);
  const ab = low(a, b), cd = low(c, d), ab2 = high(a, b), cd2 = high(c, d);
  put(to, add, lowPairs(ab, cd)); put(to + step, add, highPairs(ab, cd));
  put(to + 2 * step, add, lowPairs(ab2, cd2)); put(to + 3 * step, add, highPairs(ab2, cd2));
}

/** The words of {@link toLanes}, and 7: whether values are added to what is there. A part is a group. */
export function fromLanes(args: usize, part: i32): void {
  const channels = load<i32>(args, 8), pixels = load<i32>(args, 12), batch = load<i32>(args, 16);
  const step = <usize>load<i32>(args, 20) << 2, jump = <usize>load<i32>(args, 24) << 2;
  const add = load<i32>(args, 28) != 0;
  const row = <usize>channels << 5;
  const lanes = <usize>load<i32>(args) + <usize>(part * pixels) * row;
  const first = <usize>load<i32>(args, 4) + <usize>(part * 8) * step;
  const own = min(8, batch - part * 8);
  const whole = own == 8 ? pixels & ~3 : 0;
  for (let c = 0; c < channels; c++) {
    let from = lanes + (<usize>c << 5);
    let to = first + <usize>c * jump;
    let p = 0;
    for (; p < whole; p += 4, to += 16, from += 4 * row) {
      turnBack(to, step, add, from, row);
      turnBack(to + 4 * step, step, add, from + 16, row);
    }
    for (; p < pixels; p++, to += 4, from += row) {
      for (let l = 0; l < own; l++) {
        const at = to + <usize>l * step;
        const value = load<f32>(from + (<usize>l << 2));
        store<f32>(at, add ? load<f32>(at) + value : value);
      }
    }
  }
}

/**
 * Weights in the order in which `convolve` reads them, [block of 4 rows][outer][inner][4].
 * Words: 0 to, 1 weights, 2 rows, 3 outer, 4 inner, 5 distance of two rows, 6 of outer, 7 of inner. A part is a block of rows.
 */
export function packWeights(args: usize, part: i32): void {
  const rows = load<i32>(args, 8), outer = load<i32>(args, 12), inner = load<i32>(args, 16);
  const rowStep = load<i32>(args, 20), outerStep = load<i32>(args, 24), innerStep = load<i32>(args, 28);
  let to = <usize>load<i32>(args) + (<usize>(part * outer * inner) << 4);
  const from = <usize>load<i32>(args, 4);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++, to += 16) {
      for (let r = 0; r < 4; r++) {
        const row = part * 4 + r;
        const at = row * rowStep + o * outerStep + i * innerStep;
        store<f32>(to + (<usize>r << 2), row < rows ? load<f32>(from + (<usize>at << 2)) : 0);
      }
    }
  }
}
