import { describe, expect, it } from 'vitest';
import { BlindsightError } from '#protocol/errors.ts';
import type { Bundle } from './bundle.ts';
import type { InterpreterHost } from './interpreter-host.ts';
import { renewInterpreter } from './renew-interpreter.ts';

/** Threads in the hands of the test: which run, by bundle and number of threads, and which were closed. */
function world() {
  const closed: string[] = [];
  const made = (digest: string, threads: number) =>
    ({
      bundle: { digest } as Bundle,
      threads,
      close: async () => void closed.push(`${digest} ${threads}`),
    }) as InterpreterHost;
  const runner = {
    host: made('old', 1) as InterpreterHost | null,
    open: async ({ digest }: Bundle) => made(digest, 2),
    reopen: (_host: InterpreterHost): Promise<void> => Promise.reject(new Error('ended without need')),
    activate: async (host: InterpreterHost) => {
      runner.host = host;
    },
  };
  const running = () => runner.host && `${runner.host.bundle.digest} ${runner.host.threads}`;
  const fits = ({ threads }: InterpreterHost) => threads === 2;
  return { runner, made, running, closed, fits };
}

describe('renewInterpreter', () => {
  it('opens the bundle that runs by the settings of now, once', async () => {
    const { runner, running, fits } = world();
    await renewInterpreter(runner, fits);
    expect(running()).toBe('old 2');
    runner.open = () => Promise.reject(new Error('opened without need'));
    await renewInterpreter(runner, fits);
  });

  it('opens it in the place of the old one where there is no memory for both', async () => {
    const { runner, made, running, fits } = world();
    runner.open = () => Promise.reject(new BlindsightError('NETWORK_MEMORY', 'too little'));
    runner.reopen = async ({ bundle }) => {
      runner.host = made(bundle.digest, 2);
    };
    await renewInterpreter(runner, fits);
    expect(running()).toBe('old 2');
  });

  it('does not undo a bundle that went live meanwhile, but opens that anew', async () => {
    const { runner, made, running, closed, fits } = world();
    runner.open = async ({ digest }) => {
      if (digest === 'old') runner.host = made('new', 1);
      return made(digest, 2);
    };
    await renewInterpreter(runner, fits);
    expect(running()).toBe('new 2');
    expect(closed).toEqual(['old 2']);
  });

  it('hands nothing to a runner that was closed meanwhile', async () => {
    const { runner, made, running, closed, fits } = world();
    runner.open = async ({ digest }) => {
      runner.host = null;
      return made(digest, 2);
    };
    await renewInterpreter(runner, fits);
    expect(running()).toBeNull();
    expect(closed).toEqual(['old 2']);
  });
});
