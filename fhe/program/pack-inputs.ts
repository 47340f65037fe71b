import { FheError } from '../errors.ts';
import { pictureValues } from './picture-values.ts';
import type { Program } from './program.ts';

/** Values may leave [0, 1] by this much: float32 rounding of a resampled picture. */
const SLACK = 1e-5;

/**
 * @param values channels × height × width values in [0, 1], row-major, channel first; one region after the other.
 * @throws FheError FHE_RANGE where the number of values is wrong or one is outside [0, 1].
 */
export function checkPicture(program: Pick<Program, 'picture' | 'regions'>, values: Float32Array): void {
  const expected = pictureValues(program);
  if (values.length !== expected) {
    const { channels, height, width } = program.picture;
    const regions = program.regions === undefined ? '' : `${program.regions} regions × `;
    throw new FheError(
      'FHE_RANGE',
      `${values.length} values: expected ${regions}${channels} × ${height} × ${width} = ${expected}`,
    );
  }
  const bad = values.findIndex((value) => !(value >= -SLACK && value <= 1 + SLACK));
  if (bad >= 0) throw new FheError('FHE_RANGE', `value ${bad} is ${values[bad]}: expected 0 to 1`);
}

/**
 * Lays prepared pictures out in the slots of the program's inputs.
 *
 * @param values as in {@link checkPicture}.
 * @returns one vector of N/2 slots for each input.
 * @throws FheError FHE_RANGE as {@link checkPicture}.
 */
export function packInputs(program: Program, values: Float32Array): Float64Array[] {
  checkPicture(program, values);
  return program.inputs.map((input) =>
    Float64Array.from(input.slots, (index) => (index < 0 ? 0 : values[index]!)),
  );
}
