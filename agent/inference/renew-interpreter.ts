import { BlindsightError } from '#protocol/errors.ts';
import type { InterpreterHost } from './interpreter-host.ts';
import type { Runner } from './runner.ts';

/**
 * Opens the running bundle again if its interpreter does not match the current settings: beside the old one, which answers until then, or in its place where
 * there is no memory for both. If another bundle went live, or the runner was closed, while the thread was loading, that is not undone.
 *
 * @throws what opening throws; the old interpreter then keeps running, or its bundle is opened again until that works
 */
export async function renewInterpreter(
  runner: Pick<Runner, 'host' | 'open' | 'activate' | 'reopen'>,
  fits: (host: InterpreterHost) => boolean,
): Promise<void> {
  for (let host = runner.host; host !== null && !fits(host); host = runner.host) {
    const next = await runner.open(host.bundle).catch((error: unknown) => {
      if (error instanceof BlindsightError && error.code === 'NETWORK_MEMORY') return null;
      throw error;
    });
    if (next === null) await runner.reopen(host);
    else if (runner.host === host) await runner.activate(next);
    else await next.close();
  }
}
