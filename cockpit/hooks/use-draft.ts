import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { ShownConfiguration } from '#protocol/api.ts';
import { ConfigurationApi, type Logins } from '../site/configuration-api.ts';
import type { JsonSchema } from '../view/json-schema.ts';

/** Settings that somebody edits, and what they are a change of. */
export type Draft = {
  readonly text: string;
  /** As it was loaded; the same text means that nothing was changed. */
  readonly original: string;
  /** The newest version at that time; 0: none were pushed. */
  readonly base: number;
  /** Cameras whose login the gateway has, sealed. */
  readonly sealed: readonly string[];
  /** Logins that were typed in; kept in memory only, and gone once they were pushed. */
  readonly logins: Logins;
};

export type DraftState =
  | { readonly phase: 'loading' }
  | { readonly phase: 'failed'; readonly message: string }
  | { readonly phase: 'ready'; readonly draft: Draft; readonly schema: JsonSchema };

/** By gateway: whoever looks at something else on the page meanwhile finds everything as it was. */
const kept = new Map<string, Draft>();

/** Whoever comes next at this browser finds no login that another typed; the rest may go on after a new log-in. */
export function forgetLogins(): void {
  for (const [gateway, draft] of kept) kept.set(gateway, { ...draft, logins: {} });
}

/** Lets everything go that was changed and not pushed. */
export function forgetDrafts(): void {
  kept.clear();
}

export function isChanged({ text, original, logins }: Draft): boolean {
  return text !== original || Object.keys(logins).length > 0;
}

/**
 * The settings of a gateway as they are edited on this page.
 *
 * @param first settings to begin with where none were pushed yet
 */
export function useDraft(gateway: string, first: () => string) {
  const [state, setState] = useState<DraftState>({ phase: 'loading' });
  const begin = useRef(first);
  begin.current = first;

  const load = useCallback(async () => {
    const api = new ConfigurationApi(gateway);
    const [schema, history] = await Promise.all([api.schema(), api.history()]);
    if (!schema.ok) return setState({ phase: 'failed', message: schema.message });
    if (!history.ok) return setState({ phase: 'failed', message: history.message });
    const [newest] = history.value;
    const shown = newest === undefined ? null : await api.show(newest.version);
    if (shown?.ok === false) return setState({ phase: 'failed', message: shown.message });
    const draft = kept.get(gateway) ?? draftOf(shown?.value ?? null, begin.current());
    setState({ phase: 'ready', draft, schema: schema.value });
  }, [gateway]);

  useEffect(() => {
    setState({ phase: 'loading' });
    void load();
  }, [load]);

  useEffect(() => {
    const warn = (event: BeforeUnloadEvent) => {
      const draft = kept.get(gateway);
      if (draft !== undefined && isChanged(draft)) event.preventDefault();
    };
    addEventListener('beforeunload', warn);
    return () => removeEventListener('beforeunload', warn);
  }, [gateway]);

  const change = useCallback(
    (next: (draft: Draft) => Draft) =>
      setState((state) => {
        if (state.phase !== 'ready') return state;
        const draft = next(state.draft);
        if (isChanged(draft)) kept.set(gateway, draft);
        else kept.delete(gateway);
        return { ...state, draft };
      }),
    [gateway],
  );

  /** Takes what is newest at the backend, and lets the changes go. */
  const reload = useCallback(() => {
    kept.delete(gateway);
    return load();
  }, [gateway, load]);

  return { state, change, reload };
}

function draftOf(shown: ShownConfiguration | null, first: string): Draft {
  const text = shown?.settings ?? first;
  // The first ones are a change, of what the site has not seen.
  return {
    text,
    original: text,
    base: shown?.version ?? 0,
    sealed: shown?.credentials ?? [],
    logins: {},
  };
}
