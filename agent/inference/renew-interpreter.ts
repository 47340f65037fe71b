import type { Bundle } from './bundle.ts';
import type { InterpreterHost } from './interpreter-host.ts';
import type { Runner } from './runner.ts';

/**
 * Opens the bundle that runs anew where its interpreter does not fit the settings of now. A bundle that went live, or a runner that was closed,
 * while the thread loaded is not undone by it.
 *
 * @throws what `open` throws; what ran runs on then
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
