/** There is no table yet for what was stored at these times: it has to be made, outside of the transaction. */
export class PartitionMissing extends Error {
  override readonly name = 'PartitionMissing';
  /** Ms since the epoch. */
  readonly times: readonly number[];

  constructor(times: readonly number[], cause: unknown) {
    super('there is no table for results of this day yet', { cause });
    this.times = times;
  }
}
