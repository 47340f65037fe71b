import { readFileSync, rmSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { cameraAddress, integer } from '../parse-option.ts';
import { runUntilStopped } from '../run-command.ts';

type Options = {
  readonly camera?: string;
  /** What the file said: an address. */
  readonly cameraFile?: string;
  readonly once?: number;
  readonly json?: boolean;
  readonly data: string;
  readonly port?: number;
};

/** Reads the camera address that the start script wrote to a 0600 file, and removes the file. */
function takeCameraFile(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch {
    throw new InvalidArgumentError(`--camera-file ${file} cannot be read.`);
  }
  if (file.includes('blindsight-camera-')) rmSync(file, { force: true });
  return cameraAddress(text);
}

/** `blindsight demo` (`npm start`): broker, backend, one gateway, two cameras and the page on this machine. */
export function registerDemo(program: Command): void {
  program
    .command('demo')
    .description('run an entire site on this machine: broker, backend, one gateway, two cameras, the page')
    .option(
      '--camera <url>',
      'watch this camera instead, rtsp://[user:password@]host[:port]/path',
      cameraAddress,
    )
    .option(
      '--camera-file <file>',
      'read the camera address from a file, which keeps it out of process lists',
      takeCameraFile,
    )
    .option(
      '--once <n>',
      'stop after n decrypted results; exit with 1 if they can no longer come',
      integer(1, 1_000_000_000),
    )
    .option('--json', 'print one JSON object per result, and nothing else, on stdout')
    .option('--data <dir>', 'folder of the site', './data')
    .option(
      '--port <n>',
      'port of the page on the loopback interface (default: 8480, or a free one)',
      integer(1, 65535),
    )
    .addHelpText(
      'after',
      `
Examples:
  npm start                                     watch the simulated cameras, a counter and a car park
  npm start --silent -- --once 20 --json        20 results as JSON lines, then stop; without --silent, npm prints two lines first
  npm start -- --camera rtsp://user:secret@192.168.1.20/stream1
Exit codes: 0 done, 130 interrupted before n results, 1 an error, which is named on stderr. With --once that includes DEMO_NO_RESULTS: the
gateway is in quarantine, or nothing came for a minute for a known reason (the camera is gone, all answers are withheld, the broker or the
gateway is offline). Without --once it waits until answers come.
The first run makes keys, encrypts the bundled networks, enrols the gateway and deploys; later runs continue from there.`,
    )
    .action(async (options: Options) => {
      // A process list shows the memory where Node keeps the arguments; this overwrites it.
      if (options.camera !== undefined) process.title = 'blindsight demo';
      const { runDemo } = await import('#demo/demo.ts');
      const demo = {
        data: options.data,
        camera: options.cameraFile ?? options.camera ?? null,
        once: options.once ?? null,
        json: options.json ?? false,
        port: options.port ?? null,
      };
      await runUntilStopped((signal) => runDemo(demo, signal));
    });
}
