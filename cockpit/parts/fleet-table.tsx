import { Component } from 'preact';
import { useState } from 'preact/hooks';
import type { SiteState } from '#protocol/api.ts';
import { type FleetFilter, type FleetRow, filterRows, fleetRows, needsHand } from '../view/fleet-rows.ts';
import { gatewayLink } from '../view/route.ts';
import { Rollouts } from './rollouts.tsx';

/** So few gateways are found without a search. */
const FEW = 8;

const COLUMNS = [
  ['state', 'State'],
  ['cameras', 'Cameras'],
  ['network', 'Network'],
  ['settings', 'Settings'],
  ['software', 'Software'],
  ['waiting', 'Waiting'],
  ['certificate', 'Certificate'],
] as const;

/** All gateways, whichever needs a hand first. */
export function FleetTable(props: {
  readonly site: SiteState;
  readonly nowMs: number;
  readonly mayOperate: boolean;
  readonly mayOwn: boolean;
}) {
  const { site, nowMs, mayOperate, mayOwn } = props;
  const [filter, setFilter] = useState<FleetFilter>({ words: '', onlyNeedy: false });
  const rows = fleetRows(site, nowMs);
  const needy = rows.filter(needsHand).length;
  const shown = filterRows(rows, filter);
  return (
    <section class="fleet" aria-labelledby="fleet-title">
      <h2 id="fleet-title" class={`fleet-title tone-${needy === 0 ? 'good' : rows[0]?.tone}`}>
        {titleOf(needy, rows.length)}
      </h2>
      {rows.length > FEW && (
        <div class="fleet-tools">
          <label for="fleet-words" class="unseen">
            Search the gateways
          </label>
          <input
            id="fleet-words"
            type="search"
            class="fleet-search"
            placeholder="Search"
            autoComplete="off"
            value={filter.words}
            onInput={(event) => setFilter({ ...filter, words: event.currentTarget.value })}
          />
          <label class="fleet-needy">
            <input
              type="checkbox"
              checked={filter.onlyNeedy}
              onChange={(event) => setFilter({ ...filter, onlyNeedy: event.currentTarget.checked })}
            />
            Only those that need a hand
          </label>
          <span class="quiet" role="status">
            {shown.length === rows.length ? '' : `${shown.length} of ${rows.length}`}
          </span>
        </div>
      )}
      <Rollouts rollouts={site.rollouts} nowMs={nowMs} mayPause={mayOperate} mayAbort={mayOwn} />
      <div class="card fleet-card">
        <table class={`fleet-table ${rows.length > FEW ? 'is-long' : ''}`}>
          <thead>
            <tr>
              <th scope="col">Gateway</th>
              {COLUMNS.map(([key, name]) => (
                <th key={key} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <Row key={row.name} row={row} />
            ))}
          </tbody>
        </table>
        {shown.length === 0 && <p class="quiet fleet-none">No gateway fits.</p>}
      </div>
    </section>
  );
}

function titleOf(needy: number, all: number): string {
  if (all === 1) return needy === 0 ? 'The gateway is fine' : 'The gateway needs a hand';
  if (needy === 0) return `All ${all} gateways are fine`;
  return `${needy} of ${all} ${needy === 1 ? 'needs' : 'need'} a hand`;
}

/** Drawn anew only where it says something else: answers of sixty gateways come many times a second. */
class Row extends Component<{ readonly row: FleetRow }> {
  override shouldComponentUpdate({ row }: { readonly row: FleetRow }): boolean {
    return JSON.stringify(row) !== JSON.stringify(this.props.row);
  }

  override render() {
    const { row } = this.props;
    return (
      <tr class={`tone-${row.tone}`}>
        <th scope="row">
          <a href={gatewayLink(row.name)}>{row.name}</a>
        </th>
        {COLUMNS.map(([key, name]) => {
          const { text, tone } = row[key];
          return (
            <td key={key} data-label={name} class={tone === 'good' ? '' : `is-marked tone-${tone}`}>
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
