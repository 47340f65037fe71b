import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '#runtime/clock.ts';
import { LogInThrottle } from '../people/log-in-throttle.ts';
import {
  checkPassword,
  hashPassword,
  isPassword,
  NOBODYS_PASSWORD,
  SCRYPT_COST,
} from '../people/password.ts';
import { ScryptGate } from '../people/scrypt-gate.ts';
import { ApiBench, CHEAP, PASSWORD } from '../testing/api-bench.ts';

describe('a log-in', () => {
  let bench: ApiBench;
  afterEach(() => bench.close());

  it('says the same of a wrong password, of somebody unknown, and of somebody who was removed', async () => {
    bench = await ApiBench.start();
    await bench.add('anna', 'owner');
    await bench.add('bert', 'owner');
    await bench.site.store.people.disable('bert', 1);
    const wrong = await bench.logIn('anna', 'not the password');
    expect(wrong.status).toBe(401);
    expect(wrong.cookie).toBe('');
    for (const name of ['nobody-here', 'bert', 'LOCAL', "' OR 1=1 --"]) {
      const answer = await bench.logIn(name);
      expect({ ...answer, headers: {} }).toEqual({ ...wrong, headers: {} });
    }
    expect(JSON.stringify(wrong.body)).not.toContain('anna');
  });

  it('takes as long for names that do not exist: they are checked at the same cost', async () => {
    bench = await ApiBench.start();
    const made = await hashPassword(PASSWORD);
    expect(NOBODYS_PASSWORD.split('$').slice(0, 4)).toEqual(made.split('$').slice(0, 4));
    expect(NOBODYS_PASSWORD).toHaveLength(made.length);
    expect(await isPassword(PASSWORD, NOBODYS_PASSWORD)).toBe(false);
    expect(SCRYPT_COST.N).toBeGreaterThanOrEqual(2 ** 17);
  });

  it('is refused after too many attempts, but not in a browser that was logged in before', async () => {
    bench = await ApiBench.start({ proxy: { addresses: ['127.0.0.0/8'] } });
    await bench.add('anna', 'owner');
    const first = await bench.logIn('anna');
    const statuses: number[] = [];
    let last = first;
    for (let count = 0; count < 7; count++) {
      last = await bench.logIn('anna', 'a stranger guesses');
      statuses.push(last.status);
    }
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
    expect(last.body.error?.message).toMatch(/the next one is possible in \d+ s$/);
    expect(Number(last.headers['retry-after'])).toBeGreaterThan(0);
    // The right password is no exception: it would tell which of many guesses is right.
    expect((await bench.logIn('anna')).status).toBe(429);
    expect((await bench.logIn('anna', PASSWORD, { headers: { cookie: first.cookie } })).status).toBe(204);
    // Nor is anybody kept out who comes from elsewhere, or who is somebody else.
    const elsewhere = { headers: { 'x-forwarded-for': '203.0.113.7' } };
    expect((await bench.logIn('anna', PASSWORD, elsewhere)).status).toBe(204);
    await bench.add('bert', 'viewer');
    expect((await bench.logIn('bert')).status).toBe(204);
    // The mark of one person's browser is none for another account.
    for (let count = 0; count < 5; count++) await bench.logIn('bert', 'a stranger guesses');
    expect((await bench.logIn('bert', PASSWORD, { headers: { cookie: first.cookie } })).status).toBe(429);
  });

  it('with bodies of other forms is refused before anything is computed', async () => {
    bench = await ApiBench.start();
    await bench.add('anna', 'owner');
    for (const body of [
      {},
      { name: 'anna' },
      { name: 'anna', password: '' },
      { name: 'anna', password: 'x'.repeat(257) },
      { name: 'anna', password: PASSWORD, token: 'x' },
      { name: 'anna', token: PASSWORD },
      { name: 'anna', password: { $gt: '' } },
    ]) {
      expect((await bench.call('/api/session', { method: 'POST', body })).status, JSON.stringify(body)).toBe(
        400,
      );
    }
  });
});

describe('the throttle', () => {
  const clock = { seconds: 0, monotonic: () => clock.seconds * 1000 };
  const attempt = (name: string, address: string) => ({ name, address, browser: null });

  it('forgives with time, and bounds one account from everywhere', () => {
    clock.seconds = 0;
    const throttle = new LogInThrottle(clock);
    const take = (name: string, address: string) => throttle.take(attempt(name, address));
    for (let count = 0; count < 5; count++) expect(take('anna', '192.0.2.1')).toBe(0);
    expect(take('anna', '192.0.2.1')).toBeGreaterThan(0);
    clock.seconds += 61;
    expect(take('anna', '192.0.2.1')).toBe(0);
    let allowed = 0;
    for (let host = 0; host < 250; host++) if (take('anna', `198.51.100.${host}`) === 0) allowed++;
    expect(allowed).toBeLessThanOrEqual(100);
    expect(allowed).toBeGreaterThan(80);
  });

  it('counts neighbors in IPv6 as one', () => {
    clock.seconds = 0;
    const throttle = new LogInThrottle(clock);
    for (let host = 0; host < 20; host++) throttle.take(attempt(`name-${host}`, `2001:db8:1:2::${host}`));
    expect(throttle.take(attempt('anna', '2001:db8:1:2:3:4:5:6'))).toBeGreaterThan(0);
    expect(throttle.take(attempt('bert', '2001:db8:1:3::1'))).toBe(0);
  });

  it('gives an attempt back that succeeded, and lets only so many be under way at once', () => {
    clock.seconds = 0;
    const throttle = new LogInThrottle(clock);
    const one = attempt('anna', '192.0.2.1');
    for (let count = 0; count < 50; count++) {
      expect(throttle.take(one)).toBe(0);
      throttle.succeeded(one);
    }
    const together = Array.from({ length: 30 }, () => throttle.take(one));
    expect(together.filter((wait) => wait === 0)).toHaveLength(5);
  });
});

describe('the gate before scrypt', () => {
  it('runs one at a time, lets known browsers go first, and refuses where too many wait', async () => {
    const gate = new ScryptGate();
    const order: string[] = [];
    let running = 0;
    const opened = Promise.withResolvers<void>();
    const run = (name: string, isKnown = false) =>
      gate.run(isKnown, async () => {
        running += 1;
        expect(running).toBe(1);
        await opened.promise;
        await new Promise((resolve) => setImmediate(resolve));
        order.push(name);
        running -= 1;
        return name;
      });
    const all = [
      run('first'),
      ...Array.from({ length: 12 }, (_, i) => run(`stranger ${i}`)),
      run('known', true),
    ];
    opened.resolve();
    const results = await Promise.all(all);
    expect(results.filter((result) => result === null)).toHaveLength(4);
    expect(order.slice(0, 3)).toEqual(['first', 'known', 'stranger 0']);
    expect(await run('after')).toBe('after');
  });

  it('goes on after a failure', async () => {
    const gate = new ScryptGate();
    await expect(gate.run(false, () => Promise.reject(new Error('no memory')))).rejects.toThrow('no memory');
    expect(await gate.run(false, async () => 1)).toBe(1);
  });
});

describe('a password', () => {
  it.each([
    'short',
    'aaaaaaaaaaaaaaaa',
    '12345678901234',
    'abcdefghijklmn',
    'annaannaanna1',
    'x'.repeat(300),
  ])('such as %s is refused', (password) => {
    expect(() => checkPassword(password, 'anna')).toThrow(expect.objectContaining({ code: 'PASSWORD_WEAK' }));
  });

  it('is found again however its letters were composed, and only that one', async () => {
    checkPassword('grüne Pferde essen Gras', 'anna');
    const stored = await hashPassword('grüne Pferde essen Gras', CHEAP);
    expect(stored).not.toContain('Pferde');
    expect(await isPassword('grüne Pferde essen Gras'.normalize('NFD'), stored)).toBe(true);
    expect(await isPassword('grüne Pferde essen Gras.', stored)).toBe(false);
    expect(await isPassword('', stored)).toBe(false);
    expect(await isPassword('x', 'another$form')).toBe(false);
  });
});

it('uses the clock of the machine', () => {
  expect(new LogInThrottle(systemClock).take({ name: 'a', address: 'b', browser: null })).toBe(0);
});
