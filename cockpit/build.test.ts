import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildCockpit } from './build.mjs';

describe('the build', () => {
  it('is skipped while the sources are the same', async () => {
    await buildCockpit();
    expect((await buildCockpit()).built).toBe(false);
  });

  it('makes a page that a policy of "self" allows: nothing inline, nothing from elsewhere', async () => {
    const { output } = await buildCockpit();
    const page = await readFile(join(output, 'index.html'), 'utf8');
    expect(page).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/);
    expect(page).toContain('blocking="render"');
    for (const file of await readdir(join(output, 'assets'))) {
      const text = await readFile(join(output, 'assets', file), 'utf8');
      if (file.endsWith('.css')) expect(text).not.toMatch(/url\(|@import/);
      if (file.endsWith('.js')) expect(text).not.toMatch(/\beval\(|new Function/);
    }
  });
});
