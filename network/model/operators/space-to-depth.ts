import { sizeOf, type Tensor } from '../graph.ts';
import { type Call, type Operator, tensorLike } from './operator.ts';

/** [N, C, b·H, b·W] → [N, b²·C, H, W]; mode DCR counts the positions within a block before the channels, CRD the channels first. */
function runSpaceToDepth(call: Call): Tensor[] {
  const input = call.input(0);
  const block = call.int('blocksize', 0);
  const mode = call.string('mode', 'DCR');
  const [images = 0, channels = 0, inputHeight = 0, inputWidth = 0] = input.shape;
  if (mode !== 'DCR' && mode !== 'CRD') call.refuse(`mode '${mode}' is unknown`);
  if (input.shape.length !== 4 || block < 1 || inputHeight % block !== 0 || inputWidth % block !== 0)
    call.refuse(`${input.shape.join('×')} does not fall into blocks of ${block}×${block}`);
  const [height, width] = [inputHeight / block, inputWidth / block];
  const shape = [images, channels * block * block, height, width];
  const output = call.allocate(sizeOf(shape));
  input.data.forEach((value, i) => {
    const x = i % inputWidth;
    const y = Math.floor(i / inputWidth) % inputHeight;
    const plane = Math.floor(i / (inputWidth * inputHeight));
    const [image, c] = [Math.floor(plane / channels), plane % channels];
    const place = (y % block) * block + (x % block);
    const map = mode === 'DCR' ? place * channels + c : c * block * block + place;
    const row = (image * shape[1]! + map) * height + Math.floor(y / block);
    output[row * width + Math.floor(x / block)] = value;
  });
  return [tensorLike(input, shape, output)];
}

/** Blocks of pixels become channels. */
export const spaceToDepth: Operator = {
  attributes: ['blocksize', 'mode'],
  arity: [1, 1],
  run: runSpaceToDepth,
};
