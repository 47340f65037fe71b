import type { CommandView } from '#protocol/api.ts';
import { EN, type Words } from '../words/en.ts';
import { formatBytes } from './format.ts';
import { actionFor } from './gateway-words.ts';
import type { Tone } from './tone.ts';

export type CommandWords = {
  readonly title: string;
  readonly tone: Tone;
  readonly word: string;
  readonly detail: string;
};

/** A command and what became of it. */
export function commandWords(command: CommandView, words: Words = EN): CommandWords {
  const says = words.gateways.commands;
  const { type, arguments: given, status, code, message, content } = command;
  const level = type === 'log-level' ? ` ${given.level}` : '';
  const title = `${says.names[type] ?? type}${level}`;
  switch (status) {
    case 'pending':
      return { title, tone: 'wait', ...says.pending };
    case 'expired':
      return { title, tone: 'warn', ...says.expired };
    case 'failed': {
      const why = message === null ? says.failed.detail : message.replace(/\.$/, '');
      const action = code === null ? '' : actionFor(code);
      return { title, tone: 'bad', word: says.failed.word, detail: `${why}. ${action}`.trim() };
    }
    case 'done':
      return {
        ...{ title, tone: 'good', word: says.done },
        detail: content === null ? (message ?? '') : formatBytes(content.bytes, words),
      };
  }
}
