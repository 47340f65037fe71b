import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SoftwarePlatform } from '#protocol/software.ts';
import { packProgram } from '../../deploy/edge/pack-program.ts';

/** Packs a program that does nothing, as a release. @returns the file, below `folder` */
export async function packTestSoftware(
  folder: string,
  version: string,
  platform: SoftwarePlatform = 'linux-x64',
  content = 'export {};\n',
): Promise<string> {
  const program = join(folder, `${version}-${platform}-${content.length}`);
  mkdirSync(join(program, 'bin'), { recursive: true });
  mkdirSync(join(program, 'agent'));
  writeFileSync(join(program, 'package.json'), JSON.stringify({ name: 'blindsight', version }));
  writeFileSync(join(program, 'bin/blindsight'), '#!/bin/sh\n', { mode: 0o755 });
  writeFileSync(join(program, 'agent/main.ts'), content);
  const file = `${program}.tar.gz`;
  await packProgram(program, file, platform);
  return file;
}
