import { pathText, type SettingPath } from './json-schema.ts';

/** One mistake in settings, where it is and what it is. */
export type SettingsProblem = {
  readonly line: number;
  /** As {@link pathText} writes it; empty where the text is no YAML. */
  readonly path: string;
  readonly text: string;
};

/**
 * The mistakes that a message tells, whoever found them: the backend before a push, or the gateway that rejected it. Both write a line for each,
 * `ORIGIN:LINE:COLUMN: PATH: WHAT`. Lines of another form (`… and 3 more`) are no places.
 */
export function settingsProblems(message: string): readonly SettingsProblem[] {
  const found: SettingsProblem[] = [];
  for (const line of message.split('\n')) {
    const place = /^[^:]*:(\d+):\d+: (?:([a-zA-Z_][^\s:]*): )?(.+)$/.exec(line);
    if (place === null) continue;
    const [, at = '1', path = '', text = ''] = place;
    found.push({ line: Number(at), path: path === 'configuration' ? '' : path, text });
  }
  return found;
}

/** Whether a problem is that of a setting itself. */
export function problemsAt(problems: readonly SettingsProblem[], path: string): readonly SettingsProblem[] {
  return problems.filter((problem) => problem.path === path);
}

/** How many mistakes are in a setting or anything within it. */
export function countWithin(problems: readonly SettingsProblem[], path: string): number {
  return problems.filter(
    (problem) =>
      problem.path === path || problem.path.startsWith(`${path}.`) || problem.path.startsWith(`${path}[`),
  ).length;
}

/** Those within some settings of a map. */
export function problemsIn(
  problems: readonly SettingsProblem[],
  path: SettingPath,
  names: readonly string[],
): readonly SettingsProblem[] {
  return names.flatMap((name) =>
    problems.filter((problem) => countWithin([problem], pathText([...path, name])) > 0),
  );
}
