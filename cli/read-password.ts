import { BlindsightError } from '#protocol/errors.ts';

/** Longer than any password that is accepted, in bytes. */
const MAX_BYTES = 4096;

/**
 * Reads a password: from the terminal, typed twice and not shown, or else the first line of standard input. Never from arguments or the environment, which other users
 * of the machine can read.
 *
 * @param whose completes "Password for …"
 * @throws BlindsightError PASSWORD_WEAK where there is none, or where the two differ.
 */
export async function readPassword(whose: string): Promise<string> {
  const { stdin } = process;
  if (!stdin.isTTY) return firstLine(stdin);
  const password = await typed(`Password for ${whose}: `);
  if ((await typed('Once more: ')) !== password)
    throw new BlindsightError('PASSWORD_WEAK', 'the two passwords differ; nothing was changed');
  return password;
}

async function firstLine(input: NodeJS.ReadStream): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of input) {
    chunks.push(Buffer.from(chunk as Buffer));
    bytes += chunks.at(-1)!.length;
    if (bytes > MAX_BYTES || chunks.at(-1)!.includes(0x0a)) break;
  }
  const [line = ''] = Buffer.concat(chunks).toString('utf8').split(/\r?\n/, 1);
  if (line === '')
    throw new BlindsightError('PASSWORD_WEAK', 'there is no password on standard input; nothing was changed');
  return line;
}

/** One line of the terminal, without showing it. Ctrl-C ends the program as ever. */
function typed(prompt: string): Promise<string> {
  const { stdin, stderr } = process;
  // Before the prompt: what is typed as soon as that appears must not show.
  stdin.setRawMode(true);
  stderr.write(prompt);
  stdin.setEncoding('utf8');
  stdin.resume();
  return new Promise((resolve) => {
    let text = '';
    const end = () => {
      stdin.setRawMode(false);
      stdin.pause();
      stdin.off('data', take);
      stderr.write('\n');
    };
    const take = (keys: string) => {
      for (const key of keys) {
        if (key === '\u0003') {
          end();
          process.kill(process.pid, 'SIGINT');
          return;
        }
        if (key === '\r' || key === '\n' || key === '\u0004') {
          end();
          resolve(text);
          return;
        }
        text = key === '\u007f' || key === '\b' ? [...text].slice(0, -1).join('') : text + key;
      }
    };
    stdin.on('data', take);
  });
}
