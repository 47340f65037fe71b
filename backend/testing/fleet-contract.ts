import type { Database } from '../store/database.ts';
import type { Store } from '../store/store.ts';
import { describeChallenges } from './challenge-contract.ts';
import { describeCommands } from './command-contract.ts';
import { describeConfigurations } from './configuration-contract.ts';
import { describePeople } from './people-contract.ts';
import { describeProtections } from './protections-contract.ts';
import { describeRoles } from './roles-contract.ts';
import { describeRollouts } from './rollout-contract.ts';
import { describeSoftware } from './software-contract.ts';
import { describeTrust } from './trust-contract.ts';

/**
 * What every store must do with what is sent to gateways, and with the people who send it.
 *
 * @param opened the store of this test, empty, and its database
 * @param open makes another empty database
 */
export function describeFleet(
  opened: () => { readonly store: Store; readonly database: Database },
  open: () => Promise<Database>,
): void {
  const store = () => opened().store;
  describeChallenges(store);
  describeCommands(store);
  describeConfigurations(store);
  describeRoles(store);
  describeRollouts(store);
  describeSoftware(store);
  describePeople(opened);
  describeTrust(store);
  describeProtections(store, open);
}
