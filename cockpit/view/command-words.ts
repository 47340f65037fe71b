import type { CommandView } from '#protocol/api.ts';
import { formatBytes } from './format.ts';
import { actionFor } from './gateway-words.ts';
import type { Tone } from './tone.ts';

/** What a command is called on the page. */
const NAMES: Readonly<Record<string, string>> = {
  restart: 'Restart',
  'log-level': 'Log level',
  logs: 'Log',
  diagnostics: 'Diagnostics',
};

export type CommandWords = {
  readonly title: string;
  readonly tone: Tone;
  readonly word: string;
  readonly detail: string;
};

/** A command and what became of it. */
export function commandWords(command: CommandView): CommandWords {
  const { type, arguments: given, status, code, message, content } = command;
  const level = type === 'log-level' ? ` ${given.level}` : '';
  const title = `${NAMES[type] ?? type}${level}`;
  switch (status) {
    case 'pending':
      return { title, tone: 'wait', word: 'Waiting', detail: 'Sent; the gateway has not answered yet.' };
    case 'expired':
      return {
        title,
        tone: 'warn',
        word: 'Expired',
        detail: 'Nobody answered in time, and nobody will carry it out.',
      };
    case 'failed': {
      const words = message === null ? 'It could not be carried out' : message.replace(/\.$/, '');
      const action = code === null ? '' : actionFor(code);
      return { title, tone: 'bad', word: 'Failed', detail: `${words}. ${action}`.trim() };
    }
    case 'done':
      return {
        ...{ title, tone: 'good', word: 'Done' },
        detail: content === null ? (message ?? '') : formatBytes(content.bytes),
      };
  }
}
