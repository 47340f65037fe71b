/** What a {@link TaskThread} sends. */
export type ToThread = { readonly id: number; readonly task: unknown };

/** What a thread answers: any number of `progress`, then one `result` or `error`. */
export type FromThread =
  | { readonly id: number; readonly kind: 'progress'; readonly progress: unknown }
  | { readonly id: number; readonly kind: 'result'; readonly result: unknown }
  | { readonly id: number; readonly kind: 'error'; readonly code: string; readonly message: string };
