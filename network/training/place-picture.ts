/** Copies picture `n` of a batch from [channels · pixels] to [channels][batch][pixels]. */
export function placePicture(
  target: Float32Array,
  picture: Float32Array,
  n: number,
  batch: number,
  channels: number,
): void {
  const pixels = picture.length / channels;
  for (let c = 0; c < channels; c++) {
    target.set(picture.subarray(c * pixels, (c + 1) * pixels), (c * batch + n) * pixels);
  }
}
