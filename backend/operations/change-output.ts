import type { OutputPolicy } from '#protocol/output-policy.ts';
import { outputWords } from '#protocol/output-words.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import type { Site } from '../site.ts';
import type { ModelRecord } from '../store/models.ts';
import { checkOutput } from './check-output.ts';
import { findModel } from './models.ts';

export type ChangeOutputOptions = {
  readonly site: Pick<Site, 'store'>;
  readonly model: string;
  /** The newest where left out. */
  readonly version?: number;
  readonly output: OutputPolicy;
  readonly clock?: Clock;
};

/**
 * Says how much of the answers of a network the backend lets out from the next one on. What was given out before stays as it is.
 *
 * @throws BlindsightError MODEL_NOT_FOUND, OUTPUT_TASK.
 */
export async function changeOutput(options: ChangeOutputOptions): Promise<ModelRecord> {
  const { site, output, clock = systemClock } = options;
  const { name, version, interpretation } = await findModel(site, options.model, options.version);
  checkOutput(output, interpretation);
  await site.store.transaction(async (store) => {
    await store.models.setOutput(name, version, output);
    await store.journal.add({
      timeMs: clock.now(),
      level: 'warn',
      code: 'MODEL_OUTPUT',
      subject: name,
      message: `answers of ${name} version ${version} tell ${outputWords(output, interpretation.task)} from now on`,
    });
  });
  return findModel(site, name, version);
}
