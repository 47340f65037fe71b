import { NetworkError } from '#network/errors.ts';
import type { ImportedNetwork } from './imported-network.ts';

/** An import that lost more accuracy than tolerated, with its result: nobody wants to lose minutes of fine-tuning, too. */
export class ImportRefused extends NetworkError {
  readonly imported: ImportedNetwork;

  constructor(message: string, imported: ImportedNetwork) {
    super('NETWORK_ACCURACY', message);
    this.imported = imported;
  }
}
