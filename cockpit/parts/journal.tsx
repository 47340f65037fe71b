import { useState } from 'preact/hooks';
import type { JournalEntry } from '#protocol/api.ts';
import { useRead } from '../hooks/use-read.ts';
import { useWords } from '../hooks/use-words.ts';
import { formatMoment } from '../view/format.ts';
import type { Tone } from '../view/tone.ts';
import { Chip } from './chip.tsx';

const LIMIT = 300;
const EVERY_MS = 15_000;
const TONES: Readonly<Record<JournalEntry['level'], Tone>> = { info: 'off', warn: 'warn', error: 'bad' };

/** What the backend has noted, newest first, and what gateways have said. */
export function Journal({ nowMs }: { readonly nowMs: number }) {
  const words = useWords();
  const [search, setSearch] = useState('');
  const { value, hasFailed } = useRead<readonly JournalEntry[]>(`api/journal?limit=${LIMIT}`, '', EVERY_MS);
  const wanted = search.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = (value ?? []).filter(({ code, subject, message, level }) => {
    const text = `${code} ${subject} ${message} ${words.journal.levels[level]}`.toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
  return (
    <section class="card" aria-labelledby="journal-title">
      <header class="card-head">
        <h2 id="journal-title">{words.journal.title}</h2>
        <input
          type="search"
          class="fleet-search"
          aria-label={words.journal.search}
          placeholder={words.filter.searchShort}
          autoComplete="off"
          value={search}
          onInput={(event) => setSearch(event.currentTarget.value)}
        />
      </header>
      {hasFailed && <p class="quiet">{words.journal.failed}</p>}
      {value !== null && shown.length === 0 && <p class="quiet">{words.journal.none}</p>}
      <ol class="records">
        {shown.map(({ id, time, level, code, said, subject, message }) => (
          <li key={id} class="record">
            <span class="record-time">{formatMoment(Date.parse(time), nowMs, words)}</span>
            <span class="record-what">
              {level !== 'info' && <Chip tone={TONES[level]}>{words.journal.levels[level]}</Chip>}
              <span>
                {said !== undefined && <span class="quiet">{words.journal.says(said.gateway)} </span>}
                {message}
              </span>
              <span class="quiet">
                {subject} <code>{said?.code ?? code}</code>
              </span>
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
