/**
 * What a liar says when he is asked to open an answer that he forged: nothing at all, something that opens another one, bytes that open nothing, or that
 * he was just restarted and has lost it.
 */
export type Excuse = 'silent' | 'another-opening' | 'garbage' | 'restart';
