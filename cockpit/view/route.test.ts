import { describe, expect, it } from 'vitest';
import { gatewayLink, parseRoute } from './route.ts';

describe('the address of a view', () => {
  it.each([
    ['', { view: 'start' }],
    ['#/', { view: 'start' }],
    ['#/cameras', { view: 'cameras' }],
    ['#/gateways', { view: 'gateways' }],
    ['#/gateways/', { view: 'gateways' }],
    ['#/gateways/gate-1', { view: 'gateway', gateway: 'gate-1', tab: 'state' }],
    ['#/gateways/gate-1/settings', { view: 'gateway', gateway: 'gate-1', tab: 'settings' }],
    ['#/gateways/gate-1/whatever', { view: 'gateway', gateway: 'gate-1', tab: 'state' }],
    ['#/gateways/%', { view: 'gateways' }],
    ['#/<img>', { view: 'start' }],
  ])('%s', (hash, route) => {
    expect(parseRoute(hash)).toEqual(route);
  });

  it('is found again by its own link', () => {
    expect(parseRoute(gatewayLink('a/b', 'history'))).toEqual({
      view: 'gateway',
      gateway: 'a/b',
      tab: 'history',
    });
  });
});
