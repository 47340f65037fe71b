import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority, type Issued } from '#backend/enrolment/authority.ts';
import { readLinkCredentials } from './link-credentials.ts';

const OWNER = { name: 'gate-1', setting: '`gateway` in the configuration', site: 'north' };

describe('credentials of the link', () => {
  let folder: string;
  const at = (file: string) => join(folder, file);
  const read = (files: Record<string, string> = {}, owner = OWNER) =>
    readLinkCredentials(
      {
        ca: at(files.ca ?? 'ca.pem'),
        certificate: at(files.certificate ?? 'gateway.pem'),
        key: at(files.key ?? 'gateway.key'),
      },
      owner,
    );

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'blindsight-credentials-'));
    const write = (file: string, text: string) => writeFile(at(file), text, { mode: 0o600 });
    const [north, south] = [
      await createAuthority('Blindsight north'),
      await createAuthority('Blindsight south'),
    ];
    const gateway = (name: string) => north.issue({ kind: 'gateway', commonName: name, days: 1 });
    const keep = async (name: string, issued: Issued) => {
      await write(`${name}.pem`, issued.certificate);
      await write(`${name}.key`, issued.key);
    };
    await write('ca.pem', north.certificate);
    await write('south.pem', south.certificate);
    await write('namesake.pem', (await createAuthority('Blindsight north')).certificate);
    await write('both.pem', south.certificate + north.certificate);
    await keep('gateway', await gateway('gate-1'));
    await keep('other', await gateway('gate-2'));
    await keep('server', await north.issue({ kind: 'broker', commonName: 'broker', days: 1 }));
    const secret = createPrivateKey((await gateway('gate-1')).key);
    const locked = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' } as const;
    await write('locked.key', String(secret.export(locked)));
    const { publicKey } = generateKeyPairSync('ed25519');
    await write('public.pem', String(publicKey.export({ type: 'spki', format: 'pem' })));
    await write('empty', '');
    await write('words', 'user:password\n');
    await write('cut.pem', north.certificate.slice(0, 300));
    await write('damaged.pem', north.certificate.replace(/\n[A-Za-z0-9+/]{10}/, '\nAAAAAAAAAA'));
    await write('damaged.key', (await gateway('gate-1')).key.replace(/\n[A-Za-z0-9+/]{10}/, '\nAAAAAAAAAA'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('are taken as they were enrolled, and with an authority among others', async () => {
    const { files, ca } = await read();
    expect(files).toEqual({ ca: at('ca.pem'), certificate: at('gateway.pem'), key: at('gateway.key') });
    expect(String(ca)).toContain('BEGIN CERTIFICATE');
    await read({ ca: 'both.pem' });
  });

  it.each([
    [{ ca: 'words' }, 'words (broker.ca) is not a certificate in PEM form'],
    [{ ca: 'empty' }, 'empty (broker.ca) is empty; expected a certificate in PEM form'],
    [{ ca: 'cut.pem' }, 'cut.pem (broker.ca) is not a certificate in PEM form'],
    [{ ca: 'damaged.pem' }, 'damaged.pem (broker.ca) is a damaged certificate'],
    [{ ca: 'public.pem' }, 'public.pem (broker.ca) holds a public key, expected a certificate'],
    [
      { certificate: 'gateway.key' },
      'gateway.key (broker.certificate) holds a private key, expected a certificate',
    ],
    [{ key: 'words' }, 'words (broker.key) is not a private key in PEM form'],
    [{ key: 'gateway.pem' }, 'gateway.pem (broker.key) holds a certificate, expected a private key'],
    [{ key: 'damaged.key' }, 'damaged.key (broker.key) is a damaged private key'],
    [
      { key: 'locked.key' },
      'locked.key (broker.key) is a private key with a passphrase, which a daemon cannot enter',
    ],
    [
      { key: 'other.key' },
      'other.key (broker.key) is not the key of *gateway.pem (broker.certificate): the two are not from the same package',
    ],
    [
      { ca: 'south.pem' },
      'gateway.pem (broker.certificate) was issued by "Blindsight north", and not by the authority in *south.pem (broker.ca), "Blindsight south"',
    ],
    [
      { ca: 'namesake.pem' },
      'gateway.pem (broker.certificate) was issued by "Blindsight north", and not by the authority in *namesake.pem (broker.ca), "Blindsight north" too, but another one of this name',
    ],
    [
      { certificate: 'other.pem', key: 'other.key' },
      'other.pem (broker.certificate) is the certificate of "gate-2", not of "gate-1" (`gateway` in the configuration)',
    ],
  ])('are refused as %j, with file and setting', async (files, message) => {
    // Each file is named with its folder.
    const expected = at(message.replace('*', `${folder}/`));
    await expect(read(files)).rejects.toMatchObject({ code: 'LINK_CREDENTIALS', message: expected });
  });

  it('are refused where another site, another name or another kind of certificate is meant', async () => {
    await expect(read({}, { ...OWNER, site: 'south' })).rejects.toMatchObject({
      code: 'LINK_CREDENTIALS',
      message: `${at('ca.pem')} (broker.ca) and the certificate belong to the site "north", and \`site\` says "south"`,
    });
    await expect(
      read({ certificate: 'server.pem', key: 'server.key' }, { ...OWNER, name: 'broker' }),
    ).rejects.toMatchObject({
      message: `${at('server.pem')} (broker.certificate) is not valid for a client of the broker`,
    });
  });
});
