/** What is published of an answer: the probability of every label of every region in their order; 1 and 0 where only the label is told. */
export type Told = readonly number[];

/** How finely: probabilities in multiples of a step, or labels alone. */
export type Fineness = { readonly step: number } | 'label';
