import type { Store } from './store.ts';

/**
 * Puts a gateway into quarantine: from now on its answers are checked and kept, but not decrypted, until its owner releases it.
 *
 * @param reason a sentence for the operator
 * @returns false if it is already in quarantine (the first reason stays), or unknown.
 */
export async function quarantineGateway(
  store: Store,
  gateway: string,
  reason: string,
  timeMs: number,
): Promise<boolean> {
  return store.transaction(async (inside) => {
    if (!(await inside.gateways.quarantine(gateway, reason, timeMs))) return false;
    await inside.held.forgetDropped(gateway);
    await inside.journal.add({
      timeMs,
      level: 'error',
      code: 'GATEWAY_QUARANTINED',
      subject: gateway,
      message: `gateway ${gateway} is in quarantine (${reason}): its answers are kept, but not decrypted until it is released`,
    });
    return true;
  });
}
