import { describe, expect, it } from 'vitest';
import { VIEWER_COMMON_NAME } from '#protocol/topics.ts';
import { accessOf, identityOf, mayRead, maySubscribe, mayWrite } from './access.ts';

const SITE = 'blindsight/v1/north';
const of = (name: string) => accessOf('north', identityOf(name)!);

describe('identityOf', () => {
  it.each([
    ['gate-1', 'gateway'],
    ['backend', 'backend'],
    ['cockpit', 'cockpit'],
  ])('%s is a %s', (name, kind) => expect(identityOf(name)).toEqual({ kind, name }));

  it.each([
    undefined,
    '',
    'broker',
    'results',
    'alerts',
    'Gate',
    'a/b',
    '+',
    '#',
    '%u',
    ['gate-1', 'backend'],
  ])('%j is nobody', (name) => expect(identityOf(name)).toBeNull());
});

describe('a gateway', () => {
  const access = of('gate-1');

  it.each(['health', 'log', 'camera/door/inference', 'bundle/request', 'answer/x/1'])(
    'writes its own %s, not retained',
    (leaf) => {
      expect(mayWrite(access, `${SITE}/gate-1/${leaf}`, false)).toBe(true);
      expect(mayWrite(access, `${SITE}/gate-1/${leaf}`, true)).toBe(false);
      expect(mayWrite(access, `${SITE}/gate-2/${leaf}`, false)).toBe(false);
    },
  );

  it.each(['birth', 'state', 'reported', 'camera/door/state'])('may retain its own %s', (leaf) => {
    expect(mayWrite(access, `${SITE}/gate-1/${leaf}`, true)).toBe(true);
    expect(mayWrite(access, `${SITE}/gate-2/${leaf}`, true)).toBe(false);
  });

  it.each([
    'gate-1/receipt',
    'gate-1/desired',
    'gate-1/bundle/manifest',
    'gate-1/bundle/manifest/carpark',
    'gate-1/command/x/1',
    'gate-1',
    'gate-1/camera/a/b/inference',
    'results/door',
    'backend/state',
    'gate-10/state',
  ])('does not write %s', (rest) => expect(mayWrite(access, `${SITE}/${rest}`, false)).toBe(false));

  it.each([
    'gate-1/desired',
    'gate-1/bundle/manifest/carpark',
    'gate-1/command/+/+',
    'gate-1/command/x/+',
    'gate-1/receipt',
    'backend/state',
  ])('reads %s', (rest) => expect(maySubscribe(access, `${SITE}/${rest}`)).toBe(true));

  it.each([
    '#',
    '+/#',
    '$SYS/#',
    '$share/g/blindsight/v1/north/results/door',
    `${SITE}/#`,
    `${SITE}/+/receipt`,
    `${SITE}/gate-1/#`,
    `${SITE}/gate-1/+`,
    `${SITE}/gate-2/receipt`,
    `${SITE}/results/door`,
    `${SITE}/results/+`,
    `${SITE}/results/+/+`,
    `${SITE}/+/+`,
    `${SITE}/backend/+`,
    'blindsight/v1/+/gate-1/receipt',
  ])('is not granted %s', (filter) => expect(maySubscribe(access, filter)).toBe(false));

  it.each(['results/door', 'results/door/left', 'alerts/intruder/door'])(
    'never reads a result or an alert: %s',
    (topic) => expect(mayRead(access, `${SITE}/${topic}`)).toBe(false),
  );
});

describe('the cockpit', () => {
  const access = of('cockpit');

  it('writes nothing', () => {
    for (const topic of [
      'results/door',
      'alerts/intruder/door',
      'gate-1/command/x/1',
      'cockpit/state',
      'backend/state',
    ]) {
      expect(mayWrite(access, `${SITE}/${topic}`, false)).toBe(false);
    }
  });

  it('reads results and states, never envelopes or bundles', () => {
    for (const filter of [
      'results/+',
      'results/+/+',
      'results/#',
      'alerts/+/+',
      'alerts/#',
      '+/state',
      'gate-1/camera/+/state',
      '+/health',
    ]) {
      expect(maySubscribe(access, `${SITE}/${filter}`)).toBe(true);
    }
    for (const filter of ['+/camera/+/inference', '+/camera/+/+', '+/bundle/manifest', '#', '+/receipt']) {
      expect(maySubscribe(access, `${SITE}/${filter}`)).toBe(false);
    }
  });
});

describe('a viewer', () => {
  const access = accessOf('north', identityOf(VIEWER_COMMON_NAME, 'home')!);

  it('writes nothing but that Home Assistant has started, and keeps nothing', () => {
    expect(mayWrite(access, 'homeassistant/status', false)).toBe(true);
    expect(mayWrite(access, 'homeassistant/status', true)).toBe(false);
    for (const topic of [
      ...['homeassistant/device/a/config', 'homeassistant/sensor/a/config', 'homeassistant'],
      ...['results/door', 'backend/state', 'alerts/intruder/door', 'gate-1/state'].map(
        (leaf) => `${SITE}/${leaf}`,
      ),
    ])
      expect([topic, mayWrite(access, topic, false)]).toEqual([topic, false]);
  });

  it('reads what Home Assistant is told, and whether the backend is there', () => {
    for (const filter of ['homeassistant/device/+/config', `${SITE}/backend/state`, `${SITE}/alerts/+/+`])
      expect(maySubscribe(access, filter)).toBe(true);
    for (const filter of [
      'homeassistant/status',
      'homeassistant/#',
      'homeassistant/sensor/+/config',
      `${SITE}/+/desired`,
    ])
      expect(maySubscribe(access, filter)).toBe(false);
  });
});

describe('the backend', () => {
  const access = of('backend');

  it('reads all of its site, what Home Assistant was told and says, and nothing else', () => {
    expect(maySubscribe(access, 'homeassistant/status')).toBe(true);
    expect(maySubscribe(access, 'homeassistant/#')).toBe(false);
    expect(mayWrite(access, 'homeassistant/device/a/config', true)).toBe(true);
    expect(mayWrite(access, 'homeassistant/status', false)).toBe(false);
    expect(maySubscribe(access, `${SITE}/+/camera/+/inference`)).toBe(true);
    expect(maySubscribe(access, `${SITE}/#`)).toBe(true);
    expect(maySubscribe(access, 'blindsight/v1/#')).toBe(false);
    expect(maySubscribe(access, '$SYS/#')).toBe(false);
  });

  it('writes results, manifests, chunks, receipts, commands and its state, but cannot speak as a gateway', () => {
    for (const topic of [
      'results/door',
      'results/door/left',
      'alerts/intruder/door:zone:gate',
      'backend/state',
      'gate-1/bundle/manifest',
      'gate-1/bundle/manifest/carpark',
      'gate-1/desired',
    ]) {
      expect(mayWrite(access, `${SITE}/${topic}`, true)).toBe(true);
    }
    for (const topic of ['gate-1/bundle/chunk', 'gate-1/receipt', 'gate-1/command/x/1']) {
      expect(mayWrite(access, `${SITE}/${topic}`, false)).toBe(true);
    }
    expect(mayWrite(access, `${SITE}/gate-1/camera/door/inference`, false)).toBe(false);
    expect(mayWrite(access, `${SITE}/gate-1/state`, true)).toBe(false);
    expect(mayWrite(access, `${SITE}/results/door/left/more`, true)).toBe(false);
  });
});
