/** Another one has settled a place meanwhile that was taken for free. Nothing of the transaction may stay. */
export class PlaceTaken extends Error {
  override readonly name = 'PlaceTaken';
}
