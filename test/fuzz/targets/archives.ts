import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { makeCertificateRequest } from '#agent/enrolment/make-certificate-request.ts';
import { readCertificateRequest } from '#backend/enrolment/read-certificate-request.ts';
import { checkArchive, readContents, unpackArchive } from '#runtime/software-archive.ts';
import { der } from '../formats/der.ts';
import { tarGz } from '../formats/tar-gz.ts';
import type { Target } from '../target.ts';
import { scratchFolder } from './scratch-folder.ts';

/** An entry of a tar archive (POSIX ustar); its checksum is made by the format. */
function entry(name: string, data: Uint8Array): Uint8Array {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${data.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('0', 156);
  header.write('ustar\0' + '00', 257);
  return Buffer.concat([header, data, Buffer.alloc((512 - (data.length % 512)) % 512)]);
}

function archive(): Uint8Array {
  const files = { 'bin/blindsight': 'node agent "$@"\n', 'agent/main.ts': 'export {};\n' };
  const listed = Object.entries(files).map(([name, text]) => {
    const sha256 = createHash('sha256').update(text).digest('hex');
    return [name, { bytes: text.length, sha256, executable: name.startsWith('bin/') }];
  });
  const contents = { schema: 1, version: '1.2.3', platform: 'linux-x64', files: Object.fromEntries(listed) };
  const entries = Object.entries(files).map(([name, text]) => entry(name, Buffer.from(text)));
  const plain = Buffer.concat([
    entry('RELEASE.json', Buffer.from(JSON.stringify(contents))),
    ...entries,
    Buffer.alloc(1024),
  ]);
  const whole = tarGz.parse(new Uint8Array(gzipSync(plain)));
  return tarGz.write(whole!);
}

/** A key that is made once a run: what it signs differs, and no coverage depends on it. */
const request = () =>
  makeCertificateRequest('gate-1', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);

/** An oracle: whatever an archive says, it writes plain files into its own folder and nothing else. */
function expectNothingOutside(outer: string): void {
  const own = ['archive.tar.gz', 'program'];
  const links = readdirSync(outer, { recursive: true, withFileTypes: true }).filter((one) =>
    one.isSymbolicLink(),
  );
  const strangers = readdirSync(outer).filter((name) => !own.includes(name));
  if (strangers.length + links.length > 0)
    throw new RangeError(`the archive wrote ${strangers} and ${links.length} links`);
}

const inArchive = {
  format: tarGz,
  sources: ['/runtime/software-archive', '/protocol/software-contents', '/tar/dist'],
} as const;

/** Archives of software, and requests for certificates. */
export const ARCHIVE_TARGETS: readonly Target[] = [
  {
    name: 'archive',
    ...inArchive,
    share: 0.02,
    refusals: ['SOFTWARE_INVALID', 'SOFTWARE_DIGEST'],
    seeds: () => [archive()],
    async run(input) {
      const path = join(scratchFolder(), 'archive.tar.gz');
      writeFileSync(path, input);
      await readContents(path);
      const { contents } = await checkArchive(path, () => {});
      return contents.schema === 1;
    },
  },
  {
    name: 'archive-unpacked',
    ...inArchive,
    share: 0.001,
    refusals: ['SOFTWARE_INVALID', 'SOFTWARE_DIGEST'],
    seeds: () => [archive()],
    async run(input) {
      const outer = mkdtempSync(join(scratchFolder(), 'unpack-'));
      const path = join(outer, 'archive.tar.gz');
      const folder = join(outer, 'program');
      mkdirSync(folder);
      writeFileSync(path, input);
      try {
        const { bytes } = await readContents(path);
        await unpackArchive(path, folder, createHash('sha256').update(bytes).digest('hex'), () => {});
        return true;
      } finally {
        expectNothingOutside(outer);
        rmSync(outer, { recursive: true, force: true });
      }
    },
  },
  {
    name: 'certificate-request',
    share: 0.03,
    format: der,
    sources: ['/backend/enrolment/', '/@peculiar/'],
    refusals: ['ENROLMENT_INVALID', 'ENROLMENT_KEY', 'ENROLMENT_NAME'],
    seeds: () => [request()],
    run: async (input) => (await readCertificateRequest(input, 'gate-1')).type === 'public',
  },
];
