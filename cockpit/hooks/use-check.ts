import { useEffect, useState } from 'preact/hooks';
import { ConfigurationApi } from '../site/configuration-api.ts';
import type { Draft } from './use-draft.ts';

/** How long nobody must type before the backend is asked what it thinks. */
const PAUSE_MS = 400;

/** What the backend finds wrong with settings while they are edited: the words of its refusal; null where it would take them. @param isAllowed whether this reader may ask */
export function useCheck(gateway: string, draft: Draft | null, isAllowed: boolean): string | null {
  const [message, setMessage] = useState<string | null>(null);
  const { text, logins } = draft ?? { text: null, logins: {} };
  useEffect(() => {
    if (text === null || !isAllowed) return;
    let isCurrent = true;
    const timer = setTimeout(async () => {
      const answer = await new ConfigurationApi(gateway).preview(text, logins);
      // Where the backend does not answer, what it said last stays.
      if (isCurrent && answer.ok) setMessage(answer.value.error?.message ?? null);
    }, PAUSE_MS);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [gateway, text, logins, isAllowed]);
  return message;
}
