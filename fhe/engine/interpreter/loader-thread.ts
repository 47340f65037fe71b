/** Main loop of a thread that expands constants and keys. */
import { parentPort, workerData } from 'node:worker_threads';
import { FheError } from '../../errors.ts';
import { type Expanded, type ExpanderData, ItemExpander, type PackedItem } from './item-expander.ts';

const expander = new ItemExpander(workerData as ExpanderData);
parentPort!.on('message', (item: PackedItem) => {
  let expanded: Expanded = null;
  try {
    expander.expand(item);
  } catch (error) {
    if (!(error instanceof FheError)) throw error;
    expanded = { code: error.code, message: error.message };
  }
  parentPort!.postMessage(expanded);
});
