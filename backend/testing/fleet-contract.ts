import type { Store } from '../store/store.ts';
import { describeCommands } from './command-contract.ts';
import { describeConfigurations } from './configuration-contract.ts';
import { describeRollouts } from './rollout-contract.ts';
import { describeSoftware } from './software-contract.ts';

/** What every store must do with what is sent to gateways. @param store the one of this test, empty */
export function describeFleet(store: () => Store): void {
  describeCommands(store);
  describeConfigurations(store);
  describeRollouts(store);
  describeSoftware(store);
}
