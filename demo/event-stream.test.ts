import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { followEvents, readEvents, type ServerEvent } from './event-stream.ts';

async function* bytesOf(...pieces: string[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield new TextEncoder().encode(piece);
}

async function collect(events: AsyncIterable<ServerEvent>): Promise<ServerEvent[]> {
  const all: ServerEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

describe('readEvents', () => {
  it('reads events that arrive in any pieces', async () => {
    const text =
      ': hello\n\nevent: result\ndata: {"a":\ndata: 1}\n\ndata: plain\r\n\r\nevent: cut\ndata: never ended\n';
    const whole = await collect(readEvents(bytesOf(text)));
    expect(whole).toEqual([
      { type: 'result', data: '{"a":\n1}' },
      { type: 'message', data: 'plain' },
    ]);
    // Single characters except within "\r\n", which the protocol lets a server send as one piece only.
    const pieces = text.match(/\r\n|[\s\S]/g)!;
    expect(await collect(readEvents(bytesOf(...pieces)))).toEqual(whole);
  });
});

describe('followEvents', () => {
  it('connects again when the server goes away', async () => {
    let connections = 0;
    const server = createServer((_request, response) => {
      connections++;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(`event: result\ndata: ${connections}\n\n`);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const stop = new AbortController();
    const seen: string[] = [];
    const { port } = server.address() as AddressInfo;
    for await (const event of followEvents(`http://127.0.0.1:${port}/`, stop.signal)) {
      seen.push(event.data);
      if (seen.length === 3) stop.abort();
    }
    server.close();
    expect(seen).toEqual(['1', '2', '3']);
  });
});
