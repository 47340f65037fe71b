import { NetworkError } from '#network/errors.ts';
import type { ImportedNetwork } from './imported-network.ts';

/** An import that lost more accuracy than was tolerated, and what it made: fine-tuning takes minutes that nobody wants to lose too. */
export class ImportRefused extends NetworkError {
  readonly imported: ImportedNetwork;

  constructor(message: string, imported: ImportedNetwork) {
    super('NETWORK_ACCURACY', message);
    this.imported = imported;
  }
}
