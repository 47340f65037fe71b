/** How a state is colored: `good` works, `wait` is on its way, `warn` wants a look, `bad` wants a hand, `off` is not in use. */
export type Tone = 'good' | 'wait' | 'warn' | 'bad' | 'off';
