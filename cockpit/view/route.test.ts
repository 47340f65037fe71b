import { describe, expect, it } from 'vitest';
import { cameraLink, gatewayLink, parseRoute } from './route.ts';

describe('the address of a view', () => {
  it.each([
    ['', { view: 'cameras' }],
    ['#/', { view: 'cameras' }],
    ['#/cameras', { view: 'cameras' }],
    ['#/cameras/yard', { view: 'camera', camera: 'yard' }],
    ['#/cameras/%', { view: 'cameras' }],
    ['#/alerts', { view: 'alerts' }],
    ['#/alerts/7', { view: 'alerts' }],
    ['#/events', { view: 'events' }],
    ['#/rules', { view: 'rules' }],
    ['#/journal', { view: 'journal' }],
    ['#/gateways', { view: 'gateways' }],
    ['#/gateways/', { view: 'gateways' }],
    ['#/gateways/gate-1', { view: 'gateway', gateway: 'gate-1', tab: 'state' }],
    ['#/gateways/gate-1/settings', { view: 'gateway', gateway: 'gate-1', tab: 'settings' }],
    ['#/gateways/gate-1/whatever', { view: 'gateway', gateway: 'gate-1', tab: 'state' }],
    ['#/gateways/%', { view: 'gateways' }],
    ['#/<img>', { view: 'cameras' }],
  ])('%s', (hash, route) => {
    expect(parseRoute(hash)).toEqual(route);
  });

  it('is found again by its own link', () => {
    expect(parseRoute(cameraLink('a/b'))).toEqual({ view: 'camera', camera: 'a/b' });
    expect(parseRoute(gatewayLink('a/b', 'history'))).toEqual({
      view: 'gateway',
      gateway: 'a/b',
      tab: 'history',
    });
  });
});
