import { Component } from 'preact';
import { useState } from 'preact/hooks';
import type { SiteState } from '#protocol/api.ts';
import { useWords } from '../hooks/use-words.ts';
import { type FleetFilter, type FleetRow, filterRows, fleetRows, needsHand } from '../view/fleet-rows.ts';
import { gatewayLink } from '../view/route.ts';
import type { Words } from '../words/en.ts';
import { Rollouts } from './rollouts.tsx';

/** So few gateways are found without a search. */
const FEW = 8;

const COLUMNS = ['state', 'cameras', 'network', 'settings', 'software', 'waiting', 'certificate'] as const;

/** All gateways, whichever needs a hand first. */
export function FleetTable(props: {
  readonly site: SiteState;
  readonly nowMs: number;
  readonly mayOperate: boolean;
  readonly mayOwn: boolean;
}) {
  const { site, nowMs, mayOperate, mayOwn } = props;
  const words = useWords();
  const { fleet } = words.gateways;
  const [filter, setFilter] = useState<FleetFilter>({ words: '', onlyNeedy: false });
  const rows = fleetRows(site, nowMs, words);
  const needy = rows.filter(needsHand).length;
  const shown = filterRows(rows, filter);
  return (
    <section class="fleet" aria-labelledby="fleet-title">
      <h2 id="fleet-title" class={`fleet-title tone-${needy === 0 ? 'good' : rows[0]?.tone}`}>
        {needy === 0 ? fleet.fine(rows.length) : fleet.needy(needy, rows.length)}
      </h2>
      {rows.length > FEW && (
        <div class="fleet-tools">
          <label for="fleet-words" class="unseen">
            {fleet.search}
          </label>
          <input
            id="fleet-words"
            type="search"
            class="fleet-search"
            placeholder={fleet.searchShort}
            autoComplete="off"
            value={filter.words}
            onInput={({ currentTarget: { value } }) => setFilter((now) => ({ ...now, words: value }))}
          />
          <label class="fleet-needy">
            <input
              type="checkbox"
              checked={filter.onlyNeedy}
              onChange={({ currentTarget: { checked } }) =>
                setFilter((now) => ({ ...now, onlyNeedy: checked }))
              }
            />
            {fleet.onlyNeedy}
          </label>
          <span class="quiet" role="status">
            {shown.length === rows.length ? '' : fleet.count(shown.length, rows.length)}
          </span>
        </div>
      )}
      <Rollouts rollouts={site.rollouts} nowMs={nowMs} mayPause={mayOperate} mayAbort={mayOwn} />
      <div class="card fleet-card">
        <table class={`fleet-table ${rows.length > FEW ? 'is-long' : ''}`}>
          <thead>
            <tr>
              <th scope="col">{fleet.gateway}</th>
              {COLUMNS.map((key) => (
                <th key={key} scope="col">
                  {fleet.columns[key]}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <Row key={row.name} row={row} names={fleet.columns} />
            ))}
          </tbody>
        </table>
        {shown.length === 0 && <p class="quiet fleet-none">{fleet.nothing}</p>}
      </div>
    </section>
  );
}

type RowProps = { readonly row: FleetRow; readonly names: Words['gateways']['fleet']['columns'] };

/** Drawn anew only where it says something else: answers of sixty gateways come many times a second. */
class Row extends Component<RowProps> {
  override shouldComponentUpdate({ row, names }: RowProps): boolean {
    return names !== this.props.names || JSON.stringify(row) !== JSON.stringify(this.props.row);
  }

  override render() {
    const { row, names } = this.props;
    return (
      <tr class={`tone-${row.tone}`}>
        <th scope="row">
          <a href={gatewayLink(row.name)}>{row.name}</a>
        </th>
        {COLUMNS.map((key) => {
          const { text, tone } = row[key];
          return (
            <td key={key} data-label={names[key]} class={tone === 'good' ? '' : `is-marked tone-${tone}`}>
              {key === 'state' ? (
                <>
                  <span class={`chip tone-${tone}`}>
                    <span class="dot" aria-hidden="true" />
                    {text}
                  </span>
                  {row.since !== '' && <span class="quiet"> {row.since}</span>}
                </>
              ) : (
                text
              )}
            </td>
          );
        })}
      </tr>
    );
  }
}
