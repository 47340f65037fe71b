import { useState } from 'preact/hooks';
import type { SiteState } from '#protocol/api.ts';
import { useLines } from '../hooks/use-lines.ts';
import { useWords } from '../hooks/use-words.ts';
import { filterTiles, groupTiles, type Tile, type TileFilter, tilesOf } from '../view/tile.ts';
import { TileCard } from './tile-card.tsx';

/** So few cameras are found without a search, and have room for large letters. */
const FEW = 8;

type Props = {
  readonly site: SiteState;
  /** The site's clock. */
  readonly nowMs: number;
  /** Whether the backend does not answer. */
  readonly isAway: boolean;
};

/** Many cameras, whichever needs somebody first: by group where there are groups, searched where there are many. */
export function TileWall({ site, nowMs, isAway }: Props) {
  const words = useWords();
  const [filter, setFilter] = useState<TileFilter>({ words: '', onlyNeedy: false });
  const lines = useLines(isAway);
  const tiles = tilesOf(site, nowMs, words, isAway);
  const shown = filterTiles(tiles, filter);
  const groups = groupTiles(shown);
  const hasGroups = groups.some(({ group }) => group !== null);
  const list = (own: readonly Tile[]) => (
    <ul class={`tiles ${tiles.length <= FEW ? 'is-few' : ''}`}>
      {own.map((tile) => (
        <TileCard
          key={tile.camera}
          tile={tile}
          line={lines.get(tile.camera)}
          noAnswer={words.camera.noAnswer}
        />
      ))}
    </ul>
  );
  return (
    <section class="wall" aria-labelledby="wall-title">
      <h2 id="wall-title" class="unseen">
        {words.nav.cameras}
      </h2>
      {tiles.length > FEW && (
        <Tools filter={filter} onChange={setFilter} shown={shown.length} all={tiles.length} />
      )}
      {hasGroups
        ? groups.map(({ group, tiles: own }) => (
            <section key={group ?? ''} class="wall-group" aria-label={group ?? words.filter.otherGroup}>
              <h2>{group ?? words.filter.otherGroup}</h2>
              {list(own)}
            </section>
          ))
        : list(shown)}
      {shown.length === 0 && <p class="quiet fleet-none">{words.filter.nothing}</p>}
    </section>
  );
}

type ToolProps = {
  readonly filter: TileFilter;
  /** Of what it is by then: two changes may come between two drawings. */
  readonly onChange: (change: (now: TileFilter) => TileFilter) => void;
  readonly shown: number;
  readonly all: number;
};

function Tools({ filter, onChange, shown, all }: ToolProps) {
  const { filter: words } = useWords();
  return (
    <div class="fleet-tools">
      <input
        type="search"
        class="fleet-search"
        aria-label={words.search}
        placeholder={words.searchShort}
        autoComplete="off"
        value={filter.words}
        onInput={({ currentTarget: { value } }) => onChange((now) => ({ ...now, words: value }))}
      />
      <label class="fleet-needy">
        <input
          type="checkbox"
          checked={filter.onlyNeedy}
          onChange={({ currentTarget: { checked } }) => onChange((now) => ({ ...now, onlyNeedy: checked }))}
        />
        {words.onlyNeedy}
      </label>
      <span class="quiet" role="status">
        {shown === all ? null : words.count(shown, all)}
      </span>
    </div>
  );
}
