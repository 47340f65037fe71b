import type { SiteAction } from './site-model.ts';

/** What arrives within this time is shown together: nobody reads faster, and each update costs. */
const PAUSE_MS = 500;

export type ActionBatch = {
  readonly add: (action: SiteAction) => void;
  /** Hands on what is waiting, immediately. */
  readonly flush: () => void;
};

/** Hands actions on in order: the first immediately, those of the next half second together. Of several states only the last is kept. */
export function batchActions(dispatch: (action: SiteAction) => void): ActionBatch {
  let waiting: SiteAction[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (waiting.length === 0) return;
    const actions = waiting;
    waiting = [];
    dispatch({ type: 'batch', actions });
  };
  const tick = () => {
    const isBusy = waiting.length > 0;
    flush();
    if (isBusy) timer = setTimeout(tick, PAUSE_MS);
  };
  return {
    add(action) {
      if (action.type === 'state') waiting = waiting.filter(({ type }) => type !== 'state');
      waiting.push(action);
      if (timer === undefined) tick();
    },
    flush,
  };
}
