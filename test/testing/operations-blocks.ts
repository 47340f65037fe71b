import { readSource } from '../source-files.ts';

export type Block = {
  /** Heading that it stands under. */
  readonly section: string;
  /** The machine that its first line names, `# on the site` or `# on the gateway`; null where none. */
  readonly machine: 'site' | 'gateway' | null;
  readonly commands: string;
};

/** The fenced blocks of docs/operations.md, in their order. */
export function operationsBlocks(): Block[] {
  let section = '';
  const blocks: Block[] = [];
  for (const [, heading, commands] of readSource('docs/operations.md').matchAll(
    /^#+ ([^\n]*)$|^```[a-z]*\n(.*?)^```$/gms,
  )) {
    if (commands === undefined) {
      section = heading!;
      continue;
    }
    const machine = /^# on the (site|gateway)\b/.exec(commands)?.[1] as Block['machine'] | undefined;
    blocks.push({ section, machine: machine ?? null, commands });
  }
  return blocks;
}
