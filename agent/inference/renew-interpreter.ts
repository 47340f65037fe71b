import type { Bundle } from './bundle.ts';
import type { InterpreterHost } from './interpreter-host.ts';
import type { Runner } from './runner.ts';

/**
 * Reopens the running bundle if its interpreter does not match the current settings. If another bundle went live, or the runner was closed,
 * while the thread was loading, that is not undone.
 *
 * @throws what `open` throws; the old interpreter then keeps running
 */
export async function renewInterpreter(
  runner: Pick<Runner, 'host' | 'activate'>,
  fits: (host: InterpreterHost) => boolean,
  open: (bundle: Bundle) => Promise<InterpreterHost>,
): Promise<void> {
  for (let host = runner.host; host !== null && !fits(host); host = runner.host) {
    const next = await open(host.bundle);
    if (runner.host === host) await runner.activate(next);
    else await next.close();
  }
}
