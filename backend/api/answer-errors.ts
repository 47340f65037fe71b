import type { FastifyReply } from 'fastify';
import { BlindsightError, type ErrorCode } from '#protocol/errors.ts';

/**
 * What `work` returns; or, where it throws an error that a person can cause, code and sentence as JSON with the status of the code.
 *
 * @throws what has no status in `statuses`
 */
export async function answerErrors(
  reply: FastifyReply,
  statuses: Partial<Record<ErrorCode, number>>,
  work: () => Promise<unknown>,
): Promise<unknown> {
  try {
    return await work();
  } catch (error) {
    const status = error instanceof BlindsightError ? statuses[error.code] : undefined;
    if (status === undefined) throw error;
    const { code, message } = error as BlindsightError;
    return reply.code(status).send({ error: { code, message } });
  }
}
