import type { CommandView } from '#protocol/api.ts';
import { type Answered, request } from './request.ts';

/** Commands to one gateway at the backend. */
export class CommandApi {
  readonly #path: string;

  constructor(gateway: string) {
    this.#path = `api/gateways/${encodeURIComponent(gateway)}/commands`;
  }

  give(type: string, given: CommandView['arguments']): Promise<Answered<CommandView>> {
    return request('POST', this.#path, { type, arguments: given, author: 'the page' });
  }

  /** Newest first. */
  list(): Promise<Answered<readonly CommandView[]>> {
    return request('GET', this.#path);
  }

  /** Where the browser gets what an answer brought. */
  contentAddress(id: string): string {
    return `${this.#path}/${id}/content`;
  }
}
