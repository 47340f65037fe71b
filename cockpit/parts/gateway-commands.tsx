import { useState } from 'preact/hooks';
import { type Commands, useCommands } from '../hooks/use-commands.ts';
import { useWords } from '../hooks/use-words.ts';
import { commandWords } from '../view/command-words.ts';
import { formatMoment } from '../view/format.ts';
import { Chip } from './chip.tsx';

/** The newest ones are shown; the rest is in the audit log. */
const SHOWN = 5;
const HOUR_SECONDS = 3600;
const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
const SPANS = [
  [HOUR_SECONDS, 'hour'],
  [24 * HOUR_SECONDS, 'day'],
] as const;

type Props = { readonly gateway: string; readonly nowMs: number; readonly isReadOnly: boolean };

/** What can be done with a gateway from here, and what it answered. Nothing at all for a reader who may not. */
export function GatewayCommands({ gateway, nowMs, isReadOnly }: Props) {
  const words = useWords();
  const says = words.gateways.commands;
  const commands = useCommands(gateway, !isReadOnly);
  if (isReadOnly) return null;
  const { list, failure } = commands;
  return (
    <section class="card commands" aria-labelledby="commands-title">
      <h3 id="commands-title">{says.title}</h3>
      <div class="command-row">
        <Restart gateway={gateway} commands={commands} />
        <button type="button" class="plain" disabled={commands.isBusy} onClick={() => commands.give('logs')}>
          {says.logs}
        </button>
        <button
          type="button"
          class="plain"
          disabled={commands.isBusy}
          onClick={() => commands.give('diagnostics')}
        >
          {says.diagnostics}
        </button>
        <LogLevel commands={commands} />
      </div>
      {failure !== null && (
        <p class="notice tone-bad" role="alert">
          <span class="dot" aria-hidden="true" />
          {failure}
        </p>
      )}
      {list !== null && list.length > 0 && (
        <ol class="command-list" aria-label={says.list}>
          {list.slice(0, SHOWN).map((command) => {
            const { title, tone, word, detail } = commandWords(command, words);
            return (
              <li key={command.id}>
                <strong>{title}</strong>
                <span role="status">
                  <Chip tone={tone}>{word}</Chip>
                </span>
                <span class="quiet">
                  {says.by(formatMoment(Date.parse(command.given), nowMs, words), command.author)}
                </span>
                {command.content === null ? (
                  <span>{detail}</span>
                ) : (
                  <a href={commands.contentAddress(command.id)} download>
                    {says.download(detail)}
                  </a>
                )}
              </li>
            );
          })}
        </ol>
      )}
    </section>
  );
}

/** Asks once more: cameras pause. */
function Restart({ gateway, commands }: { readonly gateway: string; readonly commands: Commands }) {
  const words = useWords().gateways;
  const [isAsking, setIsAsking] = useState(false);
  const restart = () => {
    setIsAsking(false);
    void commands.give('restart');
  };
  if (!isAsking) {
    return (
      <button type="button" class="plain" disabled={commands.isBusy} onClick={() => setIsAsking(true)}>
        {words.commands.restart}
      </button>
    );
  }
  return (
    <span class="command-ask">
      {words.commands.pause}
      <button type="button" class="primary" onClick={restart}>
        {words.commands.restartNow(gateway)}
      </button>
      <button type="button" class="plain" onClick={() => setIsAsking(false)}>
        {words.leave}
      </button>
    </span>
  );
}

function LogLevel({ commands }: { readonly commands: Commands }) {
  const words = useWords().gateways.commands;
  const [level, setLevel] = useState<string>('debug');
  const [seconds, setSeconds] = useState<number>(HOUR_SECONDS);
  return (
    <span class="command-level">
      <label for="command-level">{words.level}</label>
      <select id="command-level" value={level} onChange={(event) => setLevel(event.currentTarget.value)}>
        {LEVELS.map((one) => (
          <option key={one} value={one}>
            {one}
          </option>
        ))}
      </select>
      <label for="command-span">{words.span}</label>
      <select
        id="command-span"
        value={String(seconds)}
        onChange={(event) => setSeconds(Number(event.currentTarget.value))}
      >
        {SPANS.map(([span, name]) => (
          <option key={span} value={String(span)}>
            {words[name]}
          </option>
        ))}
      </select>
      <button
        type="button"
        class="plain"
        disabled={commands.isBusy}
        onClick={() => commands.give('log-level', { level, forSeconds: seconds })}
      >
        {words.set}
      </button>
    </span>
  );
}
