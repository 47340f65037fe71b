import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Crowd } from './crowd.ts';

/** A connection as far as a crowd sees it. */
function connection(remoteAddress: string) {
  const socket = Object.assign(new EventEmitter(), {
    remoteAddress,
    destroyed: false,
    destroy: () => {
      socket.destroyed = true;
      socket.emit('close');
    },
  });
  return socket as unknown as Socket;
}

function crowdOf(perAddress: number, total: number) {
  const dropped: string[] = [];
  const crowd = new Crowd({ perAddress, total }, (address, waiting) => dropped.push(`${address} ${waiting}`));
  const enter = (address: string) => {
    const socket = connection(address);
    crowd.enter(socket);
    return socket;
  };
  return { crowd, dropped, enter };
}

describe('a crowd of connections', () => {
  it('lets the oldest of an address give way to its newest', () => {
    const { crowd, dropped, enter } = crowdOf(2, 100);
    const all = ['10.0.0.1', '10.0.0.2', '10.0.0.1', '::ffff:10.0.0.1'].map(enter);
    expect(all.map(({ destroyed }) => destroyed)).toEqual([true, false, false, false]);
    expect(dropped).toEqual(['10.0.0.1 2']);
    expect(crowd.size).toBe(3);
  });

  it('lets the address with most give way to a new one', () => {
    const { dropped, enter } = crowdOf(10, 4);
    const all = ['10.0.0.1', '10.0.0.2', '10.0.0.2', '10.0.0.2', '10.0.0.3'].map(enter);
    expect(all.map(({ destroyed }) => destroyed)).toEqual([false, true, false, false, false]);
    expect(dropped).toEqual(['10.0.0.2 2']);
  });

  it('takes the addresses of one network of IPv6 as one', () => {
    const { dropped, enter } = crowdOf(2, 100);
    for (const address of [
      '2001:db8::1',
      '2001:db8:0:0:9::2',
      '2001:db8:0:1::3',
      '2001:db8:0:0:a:b:c:d',
      '::1',
    ])
      enter(address);
    expect(dropped).toEqual(['2001:db8::1 2']);
  });

  it('forgets who left, who ended, and ends nobody that is known', () => {
    const { crowd, dropped, enter } = crowdOf(1, 2);
    const known = enter('10.0.0.1');
    crowd.leave(known);
    enter('10.0.0.1').destroy();
    enter('10.0.0.1');
    expect([known.destroyed, crowd.size, dropped]).toEqual([false, 1, []]);
    known.destroy();
    expect(crowd.size).toBe(1);
  });
});
