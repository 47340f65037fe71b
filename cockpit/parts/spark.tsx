import { Component } from 'preact';

/** Units of the drawing; it is stretched to its tile. */
const ACROSS = 100;
const HIGH = 24;

type Props = {
  /** From the oldest to the newest, 0 or more; null where nothing is known. */
  readonly values: readonly (number | null)[];
};

/** A small line of the last hour, for the eye alone; it breaks where nothing is known. Drawn anew only when it is another one. */
export class Spark extends Component<Props> {
  override shouldComponentUpdate({ values }: Props): boolean {
    return values !== this.props.values;
  }

  override render() {
    const { values } = this.props;
    return (
      <svg
        class="spark"
        viewBox={`0 0 ${ACROSS} ${HIGH}`}
        preserveAspectRatio="none"
        aria-hidden="true"
        focusable="false"
      >
        <path d={areaPath(values)} />
      </svg>
    );
  }
}

function areaPath(values: readonly (number | null)[]): string {
  const top = values.reduce<number>((most, value) => Math.max(most, value ?? 0), 1);
  const step = ACROSS / Math.max(1, values.length);
  return values
    .map((value, index) => {
      if (value === null) return '';
      const left = (index * step).toFixed(1);
      const height = ((value / top) * (HIGH - 1) + 1).toFixed(1);
      return `M${left} ${HIGH}v-${height}h${step.toFixed(1)}v${height}z`;
    })
    .join('');
}
