/** See launch.mjs. */
export function hideCamera(args: readonly string[]): { args: string[]; file: string | null };
export function launch(args: readonly string[]): Promise<number>;
