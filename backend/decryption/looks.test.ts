import { expect, it } from 'vitest';
import type { Waiting } from '../store/challenges.ts';
import type { InboxItem } from '../store/inbox.ts';
import type { AnswerBounds } from './answer-bounds.ts';
import { BatchPlaces } from './batch-places.ts';
import type { CheckedEnvelope } from './check-envelope.ts';
import { Looks } from './looks.ts';

const AHEAD = 10;

it('counts what is settled while the store is asked what waits, rather twice than not at all', async () => {
  const bounds = {} as AnswerBounds;
  const before = new BatchPlaces(bounds);
  for (let i = 0; i < AHEAD - 1; i++) before.addDecryption('gate', 1);
  const waiting: Waiting = { count: 1, sinceMs: 1, ahead: 0 };
  const looks = new Looks({
    ...{ bounds, aheadAnswers: AHEAD, see: async () => {} },
    store: {
      challenges: {
        // Read before the batch before is durable; and that is over before the answer is here.
        waitingOf: async (names: readonly string[]) => {
          before.giveBack();
          return new Map(names.map((name) => [name, waiting]));
        },
      },
    } as never,
  });
  const items = [1, 2, 3].map((id) => ({ id, gateway: 'gate' }) as InboxItem);
  const checked = { outcome: 'decrypt', envelope: {}, answers: [] as const } as unknown as CheckedEnvelope;
  const { works } = await looks.look(items, async () => checked, before);
  expect(works.map((work) => work.checked.outcome)).toEqual(['decrypt', 'hold', 'hold']);
});
