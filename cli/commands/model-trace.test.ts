import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { initializeSite } from '#backend/operations/initialize-site.ts';
import { protectModel } from '#backend/operations/protect-model.ts';
import { SECRETS } from '#backend/sealing/identities.ts';
import { withSite } from '#backend/site-folder.ts';
import { markGraph } from '#network/fingerprint/mark-graph.ts';
import { loadZooNetwork } from '#network/model/description/zoo.ts';
import type { Graph } from '#network/model/graph.ts';
import { writeOnnx } from '#network/model/onnx/onnx.ts';

describe('blindsight model trace', () => {
  const data = mkdtempSync(join(tmpdir(), 'blindsight-trace-'));
  const site = join(data, 'site');
  let graph: Graph;
  let copy: Graph;

  beforeAll(async () => {
    ({ graph } = await loadZooNetwork('counter'));
    await initializeSite(site, 'yard', { brokerPort: 8883, apiPort: 0 });
    copy = await withSite(site, async (opened) => {
      await protectModel({ site: opened, network: 'counter' });
      const identity = SECRETS.keySetFingerprint({ model: 'counter', version: 1, number: 1 });
      return markGraph(graph, await opened.vault.fetch(opened.store, identity));
    });
  }, 300_000);
  afterAll(() => rmSync(data, { recursive: true }));

  /** What is printed, and the exit code. */
  function trace(leaked: Graph, ...more: string[]): Promise<{ text: string; code: unknown }> {
    const file = join(data, 'leaked.onnx');
    writeFileSync(file, writeOnnx(leaked));
    const line = [join(import.meta.dirname, '../main.ts'), 'model', 'trace', file, '--data', site, ...more];
    return new Promise((resolve) => {
      execFile(process.execPath, line, (error, stdout, stderr) =>
        resolve({ text: stdout + (error === null ? '' : stderr), code: error === null ? 0 : error.code }),
      );
    });
  }

  it('names the copy, says how certain that is and what does not follow', async () => {
    const { text, code } = await trace(copy);
    expect(code).toBe(0);
    expect(text).toMatch(/^GATEWAY +NETWORK +KEYS +STILL THERE +BY CHANCE\n/);
    expect(text).toMatch(
      /\nnever deployed +counter version 1 +1 +[89]\d % +less than one in 10\^[1-9]\d{2,3}\n/,
    );
    expect(text).toContain('whose copy leaked, not who took it');
    const json = JSON.parse((await trace(copy, '--json', '--model', 'counter')).text);
    expect(json).toMatchObject({ verdict: 'named', copies: [{ model: 'counter', version: 1, keySet: 1 }] });
  }, 300_000);

  it('names nobody for the original and for the copy of another site, with another exit code', async () => {
    const original = await trace(graph);
    expect(original.code).toBe(6);
    expect(original.text).toContain('This is the original of counter itself');
    const other = await trace(markGraph(graph, Buffer.alloc(32, 'elsewhere')));
    expect(other.code).toBe(6);
    expect(other.text).toMatch(/Carries no fingerprint of this site \(1 looked for\)/);
    const { graph: digits } = await loadZooNetwork('e2dm');
    expect((await trace(digits)).text).toMatch(/No network of this site has this architecture/);
  }, 300_000);
});
