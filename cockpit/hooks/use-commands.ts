import { useCallback, useEffect, useMemo, useState } from 'preact/hooks';
import type { CommandView } from '#protocol/api.ts';
import { CommandApi } from '../site/command-api.ts';

/** How often the backend is asked while an answer is awaited. */
const POLL_MS = 1500;

export type Commands = {
  /** Newest first; null before they were read. */
  readonly list: readonly CommandView[] | null;
  /** Why the last one was refused, or the list could not be read. */
  readonly failure: string | null;
  readonly isBusy: boolean;
  readonly give: (type: string, given?: CommandView['arguments']) => Promise<void>;
  readonly contentAddress: (id: string) => string;
};

/** What was told a gateway to do, and what it answered. @param isAllowed whether this reader may know */
export function useCommands(gateway: string, isAllowed: boolean): Commands {
  const api = useMemo(() => new CommandApi(gateway), [gateway]);
  const [list, setList] = useState<Commands['list']>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const read = useCallback(async () => {
    const answer = await api.list();
    if (answer.ok) setList(answer.value);
    else setFailure(answer.message);
  }, [api]);
  useEffect(() => {
    if (isAllowed) void read();
  }, [read, isAllowed]);
  const isAwaited = list?.some(({ status }) => status === 'pending') ?? false;
  useEffect(() => {
    if (!isAwaited) return;
    const timer = setInterval(() => void read(), POLL_MS);
    return () => clearInterval(timer);
  }, [isAwaited, read]);
  const give: Commands['give'] = async (type, given = {}) => {
    setIsBusy(true);
    const answer = await api.give(type, given);
    setIsBusy(false);
    setFailure(answer.ok ? null : answer.message);
    await read();
  };
  return { list, failure, isBusy, give, contentAddress: (id) => api.contentAddress(id) };
}
