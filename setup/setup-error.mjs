/** A set-up step that failed in a way that a person can mend: `message` says what happened, `action` what to do. */
export class SetupError extends Error {
  /**
   * @param {string} message
   * @param {string} action
   */
  constructor(message, action) {
    super(message);
    this.name = 'SetupError';
    this.action = action;
  }
}

/**
 * Runs a set-up script's main and reports what fails on stderr.
 *
 * @param {() => Promise<number>} main resolves to the exit code
 */
export async function runMain(main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`blindsight: ${error.message}\n  ${error.action}\n`);
    process.exitCode = 1;
  }
}
