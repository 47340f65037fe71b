import type { CommandRequest, CommandView } from '#protocol/api.ts';
import { FIXTURE_TIME } from './fixtures.ts';

/** Commands to gateways in memory; nobody carries them out, a test says what became of them. */
export class FakeCommands {
  /** Newest first. */
  list: CommandView[] = [];

  /** @returns null for addresses of others */
  answer(method: string, pathname: string, body: unknown): { status: number; body: unknown } | null {
    const path = /^\/api\/gateways\/([^/]+)\/commands$/.exec(pathname);
    if (path === null) return null;
    if (method === 'GET') return { status: 200, body: this.list };
    const { type, arguments: given = {} } = body as CommandRequest;
    const command: CommandView = {
      id: String(this.list.length).padStart(32, '0'),
      gateway: path[1] ?? '',
      ...{ type, arguments: given, author: 'ann', status: 'pending', given: FIXTURE_TIME },
      ...{ expires: FIXTURE_TIME, settled: null, code: null, message: null, content: null },
    };
    this.list = [command, ...this.list];
    return { status: 202, body: command };
  }

  /** What the gateway answers to the newest. */
  settle(change: Partial<CommandView>): void {
    const [newest, ...older] = this.list;
    if (newest !== undefined) this.list = [{ ...newest, settled: FIXTURE_TIME, ...change }, ...older];
  }
}
