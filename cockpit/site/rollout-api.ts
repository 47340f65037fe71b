import type { RolloutSummary } from '#protocol/api.ts';
import { type Answered, request } from './request.ts';

export type RolloutAct = 'pause' | 'resume' | 'abort';

/** Does something with a rollout that has not ended. */
export function actOnRollout(id: number, act: RolloutAct): Promise<Answered<RolloutSummary>> {
  return request('POST', `api/rollouts/${id}/${act}`, { author: 'the page' });
}
