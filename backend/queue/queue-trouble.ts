import { JetStreamApiError } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import { BlindsightError } from '#protocol/errors.ts';

/** Of JetStream's API: no room in the stream, on its disk, or of its account. */
const FULL: ReadonlySet<number> = new Set([10023, 10028, 10047, 10077]);

/** What went wrong with a queue in JetStream, by a code of ours; errors of ours as they are. */
export function queueTrouble(error: unknown): BlindsightError {
  if (error instanceof BlindsightError) return error;
  const said = error instanceof Error ? error.message : String(error);
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof errors.PermissionViolationError || cause instanceof errors.AuthorizationError)
      return new BlindsightError(
        'QUEUE_FORBIDDEN',
        `the NATS server lets the backend not use its queue: ${cause.message}`,
      );
    if (cause instanceof JetStreamApiError && FULL.has(cause.code))
      return new BlindsightError('QUEUE_FULL', `the queue takes nothing more: ${cause.message}`);
    if (cause instanceof errors.RequestError && cause.isNoResponders())
      return new BlindsightError(
        'QUEUE_UNAVAILABLE',
        'no stream of the NATS server answers: JetStream is off there, or most of its servers are away',
      );
  }
  return new BlindsightError('QUEUE_UNAVAILABLE', `the queue does not answer: ${said}`, { cause: error });
}
