import { Component } from 'preact';
import { cameraLink } from '../view/route.ts';
import type { Tile } from '../view/tile.ts';
import { Chip } from './chip.tsx';
import { Spark } from './spark.tsx';

type Props = {
  readonly tile: Tile;
  /** Of the last hour; undefined until it is read. */
  readonly line: readonly (number | null)[] | undefined;
  readonly noAnswer: string;
};

/** One camera among many: name, status, answer, since when, and the last hour as a small line. Drawn anew only where it says something else. */
export class TileCard extends Component<Props> {
  override shouldComponentUpdate({ tile, line, noAnswer }: Props): boolean {
    const { props } = this;
    return (
      line !== props.line ||
      noAnswer !== props.noAnswer ||
      JSON.stringify(tile) !== JSON.stringify(props.tile)
    );
  }

  override render() {
    const { tile, line, noAnswer } = this.props;
    const { camera, name, tone, status, answer, detail, isStale, series } = tile;
    return (
      <li class={`tile tone-${tone} ${series} ${isStale ? 'is-stale' : ''}`}>
        <header class="tile-head">
          <h3>
            <a href={cameraLink(camera)}>{name}</a>
          </h3>
          <Chip tone={tone}>{status}</Chip>
        </header>
        <p class={`tile-answer ${answer === '' ? 'is-none' : ''}`}>{answer === '' ? noAnswer : answer}</p>
        <p class="tile-detail">{detail}</p>
        {line === undefined ? <div class="spark" /> : <Spark values={line} />}
      </li>
    );
  }
}
