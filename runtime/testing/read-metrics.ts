/** A metric in the text format of Prometheus. */
export type Metric = {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  /** Names of labels, without those of its type. */
  readonly labels: readonly string[];
  /** `NAME{LABELS}` of each sample. */
  readonly values: ReadonlyMap<string, number>;
};

type Draft = {
  help?: string;
  type?: string;
  readonly labels: Set<string>;
  readonly values: Map<string, number>;
};

const NAME = /^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/;
const LABEL = /([a-z_][a-z0-9_]*)="(?:[^"\\\n]|\\[\\n"])*"/;
const LABELS = new RegExp(`^${LABEL.source}(?:,${LABEL.source})*$`);
/** Of a histogram, and the quantiles of a summary. */
const OWN_LABELS = ['le', 'quantile'];
/** Units that are no base units, and short names of units. */
const UNITS =
  /_(?:milliseconds|microseconds|nanoseconds|minutes|hours|days|weeks|kilobytes|megabytes|gigabytes|kibibytes|mebibytes|bits|percent|fahrenheit|kelvin|grams|feet|[munk]?s|sec|secs|ms|[kmgtp]?b)(?:_|$)/;

/**
 * Reads metrics in the text format of Prometheus, strictly: help and type before the samples of a name, each sample once, every value a number. Mistakes are also what
 * `promtool check metrics` complains of (prometheus/client_golang, prometheus/testutil/promlint/validations): counters end in `_total` and nothing else does, base units, written out, no type in a name, snake case.
 */
export function readMetrics(text: string): { readonly metrics: Metric[]; readonly mistakes: string[] } {
  const mistakes = text.endsWith('\n') ? [] : ['no end of line at the end'];
  const found = new Map<string, Draft>();
  const of = (name: string) => {
    const one: Draft = found.get(name) ?? { labels: new Set(), values: new Map() };
    found.set(name, one);
    return one;
  };
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const [, kind, about = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (kind !== undefined) {
      const one = of(about);
      const part = kind === 'HELP' ? 'help' : 'type';
      if (one[part] !== undefined) mistakes.push(`${about}: ${part} twice`);
      one[part] = rest;
      continue;
    }
    const [, name = '', , labels = '', value = ''] = /^([^{ ]+)(\{(.*)\})? (\S+)$/.exec(line) ?? [];
    const base = name.replace(/_(?:bucket|sum|count)$/, '');
    const metric = found.get(['histogram', 'summary'].includes(found.get(base)?.type ?? '') ? base : name);
    if (metric === undefined) mistakes.push(`${line}: without help and type before it`);
    if (labels !== '' && !LABELS.test(labels)) mistakes.push(`${line}: labels`);
    for (const [, label = ''] of labels.matchAll(new RegExp(LABEL, 'g'))) metric?.labels.add(label);
    const sample = `${name}{${labels}}`;
    if (metric?.values.has(sample)) mistakes.push(`${sample} twice`);
    const number = value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value);
    // Of nothing that was measured yet, as Go reads it.
    if (Number.isNaN(number) && !/^nan$/i.test(value)) mistakes.push(`${line}: no number`);
    metric?.values.set(sample, number);
  }
  const metrics = [...found].map(([name, { help = '', type = '', labels, values }]) => ({
    ...{ name, help, type, values },
    labels: [...labels].filter((label) => !OWN_LABELS.includes(label)),
  }));
  return { metrics, mistakes: [...mistakes, ...metrics.flatMap(lint)] };
}

function lint({ name, type, help }: Metric): string[] {
  const isCounter = type === 'counter';
  const isDistribution = type === 'histogram' || type === 'summary';
  return [
    !NAME.test(name) && 'is not in snake case',
    help === '' && 'has no help',
    !['counter', 'gauge', 'histogram', 'summary'].includes(type) && `has the type ${type}`,
    isCounter !== name.endsWith('_total') && 'ends in _total, or does not, unlike its type',
    !isDistribution && /_(?:bucket|sum|count)$/.test(name) && 'ends like part of a histogram',
    /_(?:counter|gauge|histogram|summary)(?:_|$)/.test(name) && 'has its type in its name',
    UNITS.test(name.replace(/_total$/, '')) && 'has another unit than a base unit, written out',
  ]
    .filter((mistake) => mistake !== false)
    .map((mistake) => `${name} ${mistake}`);
}
