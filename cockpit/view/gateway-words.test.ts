import { describe, expect, it } from 'vitest';
import { gatewayOf, reportedOf } from '../testing/fixtures.ts';
import { plain } from '../testing/plain.ts';
import { actionFor, deploymentWords, gatewayWords, networkNames } from './gateway-words.ts';

describe('gatewayWords', () => {
  it.each([
    [gatewayOf(), 'good', 'Online'],
    [gatewayOf({ state: 'offline' }), 'bad', 'Offline'],
    [gatewayOf({ state: 'unknown', since: null }), 'wait', 'Never seen'],
    [
      gatewayOf({ quarantine: { since: '2026-01-01T00:00:00.000Z', reason: 'not-zero' } }),
      'bad',
      'Quarantined',
    ],
  ])('case %#', (gateway, tone, word) => {
    expect(gatewayWords(gateway)).toEqual({ tone, word });
  });
});

describe('deploymentWords', () => {
  it('is silent while the wanted network runs', () => {
    expect(deploymentWords(gatewayOf())).toBeNull();
  });

  it('says of a network that runs that it is retired', () => {
    const gateway = gatewayOf({ model: { name: 'counter', version: 3, retired: true } });
    expect(deploymentWords(gateway)).toMatchObject({
      tone: 'warn',
      text: 'counter v3 is retired. Deploy another network.',
    });
  });

  it('says that a gateway takes nothing new, because it was not told what is newest', () => {
    const error = { code: 'TRUST_STALE', message: 'the newest timestamp expired' };
    const trust = {
      ...{ number: 1, expires: '2026-01-01T00:00:00.000Z', ownerKeys: 1, knowsRoot: true },
      status: 'stale',
      error,
    } as const;
    const words = deploymentWords(gatewayOf({ reported: { ...reportedOf(), trust } }));
    expect(words?.tone).toBe('warn');
    expect(words?.text).toMatch(
      /^Accepts nothing new\. the newest timestamp expired \(TRUST_STALE\)\. Let the/,
    );
  });

  it('says that nothing is deployed, or that the gateway has not begun', () => {
    expect(deploymentWords(gatewayOf({ model: null, reported: null }))?.text).toBe(
      'No network deployed yet.',
    );
    expect(deploymentWords(gatewayOf({ reported: reportedOf({ status: 'none' }) }))?.text).toBe(
      'Waiting to fetch counter v3.',
    );
  });

  it('says of each network beside the default one how far it is', () => {
    const beside = [{ name: 'carpark', version: 2 }];
    const { bundle } = reportedOf();
    const fetching = { ...bundle, network: 'carpark', status: 'fetching', progress: 0.42 } as const;
    const gateway = gatewayOf({ beside, reported: { ...reportedOf(), networks: [fetching] } });
    expect(deploymentWords(gateway)).toBeNull();
    expect(deploymentWords(gateway, 'counter')).toBeNull();
    expect(plain(deploymentWords(gateway, 'carpark')!.text)).toBe('Fetching carpark v2: 42 %');
    expect(deploymentWords(gatewayOf({ beside }), 'carpark')?.text).toBe(
      'carpark v2 is fetched once a camera names it.',
    );
    expect(deploymentWords(gateway, 'digits')?.text).toBe('No network deployed yet.');
    expect(networkNames(gateway)).toBe('counter v3, carpark v2');
  });

  it('shows how far a bundle has come', () => {
    const words = deploymentWords(
      gatewayOf({ reported: reportedOf({ status: 'fetching', progress: 0.42 }) }),
    );
    expect(words).toMatchObject({ tone: 'wait', progress: 0.42 });
    expect(plain(words?.text ?? '')).toBe('Fetching counter v3: 42 %');
  });

  it('names the cause of a refusal and what to do', () => {
    const error = { code: 'FHE_KEY_MISSING', message: 'Rotation by 8 has no key' };
    const words = deploymentWords(gatewayOf({ reported: reportedOf({ status: 'refused', error }) }));
    expect(words).toMatchObject({ tone: 'bad', progress: null });
    expect(words?.text).toBe(
      'Refused counter v3. Rotation by 8 has no key (FHE_KEY_MISSING). Protect the network again.',
    );
  });

  it('says that the previous network keeps running after a rollback', () => {
    const words = deploymentWords(gatewayOf({ reported: reportedOf({ status: 'rolled-back' }) }));
    expect(words?.tone).toBe('warn');
    expect(words?.text).toMatch(/previous network keeps running\.$/);
  });
});

describe('the registry', () => {
  it('advises on its codes and nothing else', () => {
    expect(actionFor('FHE_KEY_MISSING')).toBe('Protect the network again.');
    expect(actionFor('toString')).toBe('');
  });
});
