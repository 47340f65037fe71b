import { vi } from 'vitest';
import { makeProgram } from '../program.ts';
import { reportError } from '../report-error.ts';

/**
 * A command line in this process, as a shell sees it: for what a process of its own, which takes a second of CPU, proves nothing about.
 * Not for words that the parser itself refuses, nor for commands of which a site keeps a record.
 *
 * @returns what it printed; rejects with { code, stdout, stderr } where it failed
 */
export async function runHere(...words: string[]): Promise<{ stdout: string; stderr: string }> {
  const printed = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      printed[name] += String(text);
      return true;
    }),
  );
  try {
    await makeProgram().parseAsync(words, { from: 'user' });
    return printed;
  } catch (error) {
    const code = reportError(error);
    throw Object.assign(new Error(printed.stderr), { code, ...printed });
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
