import { describe, expect, it } from 'vitest';
import type { CommandView } from '#protocol/api.ts';
import { plain } from '../testing/plain.ts';
import { commandWords } from './command-words.ts';

const command = (change: Partial<CommandView>): CommandView => ({
  ...{
    id: 'a',
    gateway: 'gate-1',
    type: 'restart',
    arguments: {},
    author: 'ann',
    status: 'pending',
    given: '',
  },
  ...{ expires: '', settled: null, code: null, message: null, content: null, ...change },
});

describe('a command', () => {
  it.each([
    [{}, 'Restart', 'Waiting', 'Sent; the gateway has not answered yet.'],
    [
      { type: 'log-level', arguments: { level: 'debug' }, status: 'done', message: 'until 9:00' },
      'Log level debug',
      'Done',
      'until 9:00',
    ],
    [{ type: 'logs', status: 'done', content: { mediaType: 'a/b', bytes: 4200 } }, 'Log', 'Done', '4 kB'],
    [
      { status: 'failed', code: 'COMMAND_FAILED', message: 'no room.' },
      'Restart',
      'Failed',
      'no room. Mend what the message says, and give it again.',
    ],
    [{ status: 'failed', code: 'OF_TOMORROW' }, 'Restart', 'Failed', 'It could not be carried out.'],
    [
      { type: 'of-tomorrow', status: 'expired' },
      'of-tomorrow',
      'Expired',
      'Nobody answered in time, and nobody will carry it out.',
    ],
  ] as const)('is told in words: %j', (change, title, word, detail) => {
    const words = commandWords(command(change));
    expect([words.title, words.word, plain(words.detail)]).toEqual([title, word, detail]);
  });
});
