/**
 * What the outputs of a network mean. `classification`: one logit for each label, of which one holds. `labels`: one logit for each label, each of
 * which holds or not by itself. `count`: how many there are, for each label. `map`: where they are, for each label and cell of the picture.
 */
export const ANSWER_TASKS = ['classification', 'labels', 'count', 'map'] as const;

export type AnswerTask = (typeof ANSWER_TASKS)[number];
