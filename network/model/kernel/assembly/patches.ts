/** Patches of convolutions: float32 pictures to columns, and back. */

/** columns[c, i] = picture[c, index[i]], 0 where the index is negative. */
export function gather(columns: usize, picture: usize, index: usize, channels: i32, pixels: i32, entries: i32): void {
  const end = index + (<usize>entries << 2);
  for (let c = 0; c < channels; c++) {
    for (let at = index; at < end; at += 4) {
      const from = load<i32>(at);
      store<f32>(columns, from < 0 ? 0 : load<f32>(picture + (<usize>from << 2)));
      columns += 4;
    }
    picture += <usize>pixels << 2;
  }
}

/** picture[c, index[i]] += columns[c, i], but for negative indices. */
export function scatter(picture: usize, columns: usize, index: usize, channels: i32, pixels: i32, entries: i32): void {
  const end = index + (<usize>entries << 2);
  for (let c = 0; c < channels; c++) {
    for (let at = index; at < end; at += 4) {
      const to = load<i32>(at);
      if (to >= 0) {
        const out = picture + (<usize>to << 2);
        store<f32>(out, load<f32>(out) + load<f32>(columns));
      }
      columns += 4;
    }
    picture += <usize>pixels << 2;
  }
}
