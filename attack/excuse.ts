/** What a liar says when he is asked to open an answer: nothing at all, or something that opens another one. */
export type Excuse = 'silent' | 'another-opening' | 'garbage';
