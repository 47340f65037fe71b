/** One server-sent event. */
export type ServerEvent = { readonly type: string; readonly data: string };

/** Splits a text/event-stream body into events. Comments, ids and retry times are passed over. */
export async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder();
  let rest = '';
  let type = 'message';
  let data: string[] = [];
  for await (const bytes of body) {
    rest += decoder.decode(bytes, { stream: true });
    const lines = rest.split(/\r\n|\n|\r/);
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield { type, data: data.join('\n') };
        type = 'message';
        data = [];
      } else if (line.startsWith('event:')) type = line.slice(6).trim();
      else if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''));
    }
  }
}

/**
 * The events of the backend's public event stream, as any cockpit sees them. Connects again when the backend restarts; ends when
 * `signal` aborts.
 *
 * @param url http://host:port/api/events
 * @param pass makes what stands for a log-in, anew for each connection
 */
export async function* followEvents(
  url: string,
  signal: AbortSignal,
  pass: () => Promise<string | null> = async () => null,
): AsyncGenerator<ServerEvent> {
  while (!signal.aborted) {
    try {
      const bearer = await pass();
      const authorization = bearer === null ? {} : { authorization: `Bearer ${bearer}` };
      const response = await fetch(url, {
        signal,
        headers: { accept: 'text/event-stream', ...authorization },
      });
      if (response.ok && response.body !== null) yield* readEvents(response.body);
      else await response.body?.cancel();
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof TypeError)) throw error; // fetch's way to say that the connection failed
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
