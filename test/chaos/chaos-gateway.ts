import { join } from 'node:path';
import { ChaosProcess, type ChaosProcessOptions } from './chaos-process.ts';
import type { GatewayOrder, GatewayStatus } from './gateway-settings.ts';
import { type Ledger, readLedger } from './ledger.ts';

const PROGRAM = join(import.meta.dirname, 'gateway-process.ts');

/** A gateway of a chaos run, as seen from outside. */
export class ChaosGateway {
  readonly folder: string;
  readonly process: ChaosProcess;
  /** What it last said of itself, and when. */
  status: GatewayStatus | null = null;
  statusMs = 0;
  #line = '';

  constructor(folder: string, options: Omit<ChaosProcessOptions, 'arguments' | 'onOutput'>) {
    this.folder = folder;
    this.process = new ChaosProcess({
      ...options,
      arguments: (start) => [PROGRAM, folder, String(start)],
      onOutput: (text) => this.#hear(text),
    });
  }

  get data(): string {
    return join(this.folder, 'data');
  }

  tell(order: GatewayOrder): void {
    this.process.input?.write(`${JSON.stringify(order)}\n`);
  }

  ledger(): Ledger {
    return readLedger(join(this.folder, 'ledger'));
  }

  #hear(text: string): void {
    const lines = (this.#line + text).split('\n');
    this.#line = lines.pop()!;
    const last = lines.findLast((line) => line.endsWith('}') && line.startsWith('{'));
    if (last === undefined) return;
    this.status = JSON.parse(last) as GatewayStatus;
    this.statusMs = performance.now();
  }
}
