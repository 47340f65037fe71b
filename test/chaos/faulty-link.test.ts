import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { FaultyLink } from './faulty-link.ts';

const WAIT = { timeout: 20_000 };
let server: Server;
let link: FaultyLink;
let far: Socket[];

beforeEach(async () => {
  far = [];
  server = createServer((socket) => {
    far.push(socket);
    socket.on('error', () => {});
    socket.on('data', (bytes) => socket.write(bytes));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  link = await FaultyLink.open('test', () => (server.address() as AddressInfo).port);
});
afterEach(async () => {
  await link.close();
  for (const socket of far) socket.destroy();
  server.close();
});

async function dial(): Promise<{ socket: Socket; text: () => string; isOver: () => boolean }> {
  const socket = connect(link.port, '127.0.0.1');
  let text = '';
  let isOver = false;
  socket.setEncoding('utf8').on('data', (part) => {
    text += part;
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    isOver = true;
  });
  await once(socket, 'connect');
  return { socket, text: () => text, isOver: () => isOver };
}

it('carries bytes both ways, slowly where it is slow, and all of them where it is narrow', async () => {
  const { socket, text } = await dial();
  socket.write('one');
  await vi.waitFor(() => expect(text()).toBe('one'), WAIT);
  link.set({ delayMs: 50 });
  socket.write(' two');
  await vi.waitFor(() => expect(text()).toBe('one two'), WAIT);
  link.set({ delayMs: 0, bytesPerSecond: 2000 });
  socket.write(` ${'x'.repeat(300)}`);
  await vi.waitFor(() => expect(text()).toBe(`one two ${'x'.repeat(300)}`), WAIT);
});

it('keeps what is said while it is stopped, and cuts connections and refuses new ones when told to', async () => {
  const { socket, text, isOver } = await dial();
  socket.write('one');
  await vi.waitFor(() => expect(text()).toBe('one'), WAIT);
  link.set({ stopped: 'down' });
  socket.write(' two');
  const other = await dial();
  other.socket.write('never mind');
  expect(text()).toBe('one');
  link.heal();
  await vi.waitFor(() => expect(text()).toBe('one two'), WAIT);
  link.set({ isRefusing: true });
  link.cut();
  await vi.waitFor(() => expect(isOver()).toBe(true), WAIT);
  const refused = connect(link.port, '127.0.0.1').on('error', () => {});
  await new Promise((resolve) => refused.on('close', resolve));
  expect(far).toHaveLength(2);
});

it('leaves one end in the belief that it is connected, and cuts in the middle of a message', async () => {
  const { socket, isOver } = await dial();
  socket.write('one');
  await vi.waitFor(() => expect(far).toHaveLength(1), WAIT);
  link.halfOpen('near');
  await vi.waitFor(() => expect(far[0]!.destroyed).toBe(true), WAIT);
  socket.write('is anybody there?');
  const other = await dial();
  link.cutAfter(3);
  other.socket.write('12345');
  await vi.waitFor(() => expect(other.isOver()).toBe(true), WAIT);
  expect(isOver()).toBe(false);
});
