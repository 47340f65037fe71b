/** How a state is colored: `good` works, `wait` is on its way, `warn` should be looked at, `bad` needs action, `off` is not in use. */
export type Tone = 'good' | 'wait' | 'warn' | 'bad' | 'off';

/** What is said about one thing, and how it is. */
export type FleetCell = { readonly text: string; readonly tone: Tone };
