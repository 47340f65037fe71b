import { BlindsightError, ERRORS } from '#protocol/errors.ts';
import { EXIT } from '#runtime/exit.ts';

function isRegistered(code: unknown): code is keyof typeof ERRORS {
  return typeof code === 'string' && code in ERRORS;
}

/**
 * Prints on stderr what happened, what to do, and the stable code; a bug of ours comes with its stack.
 *
 * @param fitted adapts the commands in a text to the current site
 * @returns the exit code
 */
export function reportError(error: unknown, fitted = (text: string): string => text): number {
  const write = (text: string) => process.stderr.write(`${text}\n`);
  if (error instanceof BlindsightError) {
    write(fitted(`blindsight: ${error.message}\n  ${error.action}\n  code: ${error.code}`));
    return EXIT.failed;
  }
  const code = (error as { code?: unknown } | null)?.code;
  if (error instanceof Error && isRegistered(code)) {
    write(fitted(`blindsight: ${error.message}\n  ${ERRORS[code].action}\n  code: ${code}`));
    return EXIT.failed;
  }
  if (error instanceof Error && typeof code === 'string' && /^E[A-Z0-9]+$/.test(code)) {
    // The operating system refused: its message names the path or address.
    write(`blindsight: ${error.message}\n  Check that the path or address exists and is accessible.`);
    return EXIT.failed;
  }
  write(`blindsight: a bug in Blindsight: ${error instanceof Error ? error.stack : String(error)}`);
  return EXIT.defect;
}
