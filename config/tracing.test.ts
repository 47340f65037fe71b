import { describe, expect, it } from 'vitest';
import { AgentConfig, PushedSettings } from './schema.ts';
import { Tracing } from './tracing.ts';

describe('tracing', () => {
  it.each([
    { endpoint: 'http://10.0.0.1:4318/v1/traces' },
    { endpoint: 'https://collector.example/v1/traces', share: 1, headersFile: 'tracing.headers' },
    { endpoint: 'http://127.0.0.1:4318/v1/traces', headersFile: 'tracing.headers' },
    { endpoint: 'http://[::1]:4318/v1/traces', headersFile: 'tracing.headers' },
    { endpoint: 'http://localhost:4318/v1/traces', headersFile: 'tracing.headers' },
  ])('takes %o', (settings) => {
    expect(Tracing.parse(settings)).toEqual({ share: 0.01, ...settings });
  });

  it.each([
    {},
    { endpoint: 'https://user:password@collector.example/v1/traces' },
    { endpoint: 'https://collector.example/v1/traces?key=secret' },
    { endpoint: 'file:///etc/passwd' },
    { endpoint: 'http://127.0.0.1:4318/v1/traces', share: 1.1 },
    // Whoever is on the way would read them.
    { endpoint: 'http://10.0.0.1:4318/v1/traces', headersFile: 'tracing.headers' },
    { endpoint: 'http://127.0.0.1.example:4318/v1/traces', headersFile: 'tracing.headers' },
    { endpoint: 'http://localhost.example/v1/traces', headersFile: 'tracing.headers' },
  ])('refuses %o', (settings) => {
    expect(Tracing.safeParse(settings).success).toBe(false);
  });

  it('is off by default, and nobody turns it on from afar', () => {
    expect(AgentConfig.shape.tracing.parse(undefined)).toBeUndefined();
    expect(PushedSettings.safeParse({ tracing: { endpoint: 'https://a/v1/traces' } }).success).toBe(false);
  });
});
