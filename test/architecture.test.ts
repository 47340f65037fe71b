import { describe, expect, it } from 'vitest';
import { importSpecifiers } from '../deploy/edge/import-specifiers.ts';
import { importCircles } from './import-circles.ts';
import { outsidePaths } from './outside-paths.ts';
import { isTest, readSource, repositoryFiles, resolveSpecifier } from './source-files.ts';

/** What designs programs, or asks what they cost. */
const FHE = ['fhe', 'fhe/design.ts'];

/** Rooms of `network/`, and its own files (errors), which each of them may read. */
const NETWORK = ['network', 'network/model', 'network/compiler', 'network/training'];

/**
 * Which folder may import which; a folder that is not listed belongs to the one above it. Every folder may import itself. From outside, `fhe`
 * is its door, and so is `fhe/design.ts`, which no gateway needs; `fhe/secret` (secret keys, decryption) is on its own, because the edge image
 * holds no decryptor.
 */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  fhe: ['fhe/ckks', 'fhe/program', 'fhe/engine'],
  'fhe/design.ts': ['fhe/program', 'fhe/engine'],
  'fhe/ring': ['fhe'],
  'fhe/ckks': ['fhe', 'fhe/ring'],
  'fhe/seal': ['fhe', 'fhe/ring', 'fhe/ckks'],
  'fhe/program': ['fhe', 'fhe/ring', 'fhe/ckks', 'fhe/seal'],
  'fhe/engine': ['fhe', 'fhe/ring', 'fhe/ckks', 'fhe/program'],
  'fhe/secret': ['fhe', 'fhe/ring', 'fhe/ckks', 'fhe/seal', 'fhe/program'],
  vision: [],
  network: [],
  'network/model': ['network', 'vision'],
  'network/compiler': ['network', 'network/model', ...FHE, 'vision'],
  'network/fingerprint': ['network', 'network/model', 'network/compiler'],
  'network/training': ['network', 'network/model', 'network/compiler', 'vision'],
  protocol: [],
  config: ['protocol'],
  runtime: ['protocol'],
  broker: ['protocol', 'config', 'runtime'],
  agent: ['fhe', 'protocol', 'config', 'runtime', 'vision'],
  backend: [
    ...FHE,
    'fhe/secret',
    ...NETWORK,
    'network/fingerprint',
    'vision',
    'protocol',
    'config',
    'runtime',
  ],
  cockpit: ['protocol'],
  bench: [
    ...FHE,
    'fhe/secret',
    ...NETWORK,
    'agent',
    'backend',
    'broker',
    'config',
    'protocol',
    'runtime',
    'demo',
  ],
  attack: [...FHE, 'fhe/secret', 'backend', 'protocol', 'config', 'runtime', 'vision'],
  setup: [],
  demo: ['backend', 'protocol', 'runtime', 'setup'],
  cli: [
    'fhe/design.ts',
    'network/model',
    'network/compiler',
    'network/training',
    'protocol',
    'config',
    'runtime',
    'broker',
    'agent',
    'backend',
    'bench',
    'attack',
    'setup',
    'demo',
  ],
  deploy: ['cli', 'broker', 'protocol', 'setup'],
};

/**
 * Which of the folders that lie side by side inside of these may import which: rows above only, so that there is no circle. What the folders
 * above it hold themselves (errors, the site) a folder may read; whatever lies farther off is a matter of {@link ARROWS}.
 */
const WITHIN: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  agent: {
    camera: [],
    metrics: [],
    command: ['metrics'],
    trust: [],
    configuration: ['trust'],
    enrolment: [],
    certificate: ['enrolment'],
    health: [],
    uplink: [],
    opening: [],
    privacy: ['camera'],
    inference: ['camera', 'privacy'],
    preview: ['privacy'],
    outbox: ['uplink', 'inference', 'opening'],
    rollout: ['inference', 'trust'],
    networks: ['camera', 'inference', 'rollout'],
    software: ['rollout', 'trust'],
    launcher: ['software', 'trust'],
  },
  backend: {
    evaluation: [],
    store: [],
    follow: ['store'],
    events: ['store', 'follow'],
    rules: ['store', 'follow', 'events'],
    history: ['store', 'follow'],
    metrics: ['store', 'follow'],
    deployment: ['store'],
    sealing: ['store'],
    'owner-keys': ['store', 'sealing'],
    leak: ['store'],
    queue: ['store'],
    roles: ['store'],
    decryption: ['store', 'sealing', 'leak', 'queue', 'roles'],
    // Which answers are audited, and when, must not depend on what they decrypt to: nothing of decryption/ is within its reach.
    auditor: ['store', 'sealing', 'owner-keys'],
    enrolment: ['store', 'sealing'],
    protection: ['store', 'sealing'],
    people: ['store'],
    audit: ['store', 'sealing'],
    alerts: ['store', 'sealing'],
    operations: [
      'store',
      'sealing',
      'owner-keys',
      'decryption',
      'enrolment',
      'protection',
      'people',
      'events',
      'rules',
    ],
    command: ['store', 'owner-keys', 'operations'],
    configuration: ['store', 'sealing', 'owner-keys', 'operations'],
    software: ['store', 'owner-keys', 'operations'],
    trust: ['store', 'sealing', 'owner-keys', 'operations', 'configuration', 'software'],
    rollout: ['store', 'operations', 'software'],
    api: [
      'store',
      'operations',
      'people',
      'audit',
      'alerts',
      'auditor',
      'command',
      'configuration',
      'software',
      'rollout',
      'history',
      'metrics',
    ],
    backup: [
      'store',
      'sealing',
      'owner-keys',
      'audit',
      'auditor',
      'enrolment',
      'operations',
      'configuration',
      'software',
      'rollout',
    ],
    installation: ['enrolment'],
    'home-assistant': ['store'],
    results: ['store', 'leak', 'configuration', 'software', 'rollout'],
  },
  attack: {
    shaping: [],
    attacks: ['shaping'],
  },
  bench: {
    city: [],
    clear: [],
    ...{ costs: ['clear'], soak: [] },
    week: ['city'],
  },
  cli: {
    daemons: [],
    commands: ['daemons'],
  },
  cockpit: {
    assets: [],
    words: [],
    view: ['words'],
    site: ['words', 'view'],
    hooks: ['assets', 'words', 'view', 'site'],
    parts: ['words', 'view', 'site', 'hooks'],
  },
  'cockpit/parts': {
    editor: [],
  },
  deploy: {
    edge: [],
    mosquitto: [],
    nats: [],
    site: ['edge'],
    package: ['edge', 'site'],
  },
  'fhe/engine': {
    memory: [],
    tape: ['memory'],
    threads: ['memory', 'tape'],
    window: ['memory', 'tape', 'threads'],
    evaluator: ['memory', 'tape', 'threads', 'window'],
    interpreter: ['memory', 'tape', 'threads', 'window', 'evaluator'],
    costs: ['memory', 'tape', 'threads', 'evaluator', 'interpreter'],
  },
  'network/compiler': {
    approximation: [],
    linear: [],
    rewrite: ['approximation'],
    lowering: ['linear', 'rewrite'],
    importing: ['approximation', 'rewrite', 'lowering'],
    packing: ['linear', 'lowering'],
    emit: ['lowering', 'packing'],
    explain: ['packing'],
  },
  'network/model': {
    kernel: [],
    onnx: [],
    description: ['onnx'],
    operators: ['kernel', 'onnx'],
    run: ['onnx', 'operators'],
  },
  'network/training': {
    boxes: [],
    datasets: ['boxes'],
    drawing: ['datasets'],
    labelling: ['boxes', 'datasets', 'drawing'],
    maps: ['boxes', 'datasets', 'drawing'],
    gradients: [],
    layers: [],
  },
  protocol: {
    errors: [],
  },
  runtime: {
    threads: [],
    tpm: [],
    tracing: [],
  },
};

/** The import as the table {@link WITHIN} sees it: two folders side by side in a third; null where it says nothing about it. */
function sideBySide(from: string, to: string): { within: string; folder: string; imports: string } | null {
  const [a, b] = [from.split('/').slice(0, -1), to.split('/').slice(0, -1)];
  const depth = a.findIndex((name, i) => name !== b[i]);
  if (depth < 1 || b[depth] === undefined || b[depth] === 'generated') return null;
  const within = a.slice(0, depth).join('/');
  if (`${within}/${a[depth]}` in ARROWS) return null;
  return { within, folder: a[depth]!, imports: b[depth]! };
}

/** Whoever is outside of fhe/ comes in by these; tests, benchmarks and attacks by #fhe/testing besides. */
const FHE_DOORS = ['#fhe', '#fhe/design', '#fhe/secret'];

/** Folders whose files exchange no imports with the table: settings of tools at the top, and test/. */
const OUTSIDE = new Set(['test', '.']);

/** The deepest folder of the table that holds `path`; else the one at the top, and '.' for files there. */
function folderOf(path: string): string {
  const parts = path.split('/');
  for (let depth = parts.length; depth > 0; depth--) {
    const folder = parts.slice(0, depth).join('/');
    if (folder in ARROWS) return folder;
  }
  return parts.length > 1 ? parts[0]! : '.';
}

const sources = repositoryFiles().filter(
  (file) => /\.tsx?$/.test(file) && !/\/kernel\/assembly\/|\/generated\//.test(file),
);

describe('architecture', () => {
  it('knows every folder that holds sources', () => {
    const unknown = sources.map(folderOf).filter((folder) => !(folder in ARROWS) && !OUTSIDE.has(folder));
    expect([...new Set(unknown)]).toEqual([]);
  });

  it('imports run one way, as the table of arrows says', () => {
    const wrong: string[] = [];
    for (const file of sources.filter((candidate) => !isTest(candidate))) {
      const from = folderOf(file);
      const allowed = ARROWS[from];
      if (allowed === undefined) continue;
      for (const specifier of importSpecifiers(readSource(file))) {
        const target = resolveSpecifier(file, specifier);
        if (target === null) continue;
        const to = folderOf(target);
        if (to !== from && !allowed.includes(to)) wrong.push(`${file} imports ${specifier}: ${from} → ${to}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('the table has no arrow that nothing follows, and CONTRIBUTING.md shows the same arrows between rooms', () => {
    const followed = new Set<string>();
    for (const file of sources.filter((candidate) => !isTest(candidate))) {
      for (const specifier of importSpecifiers(readSource(file))) {
        const target = resolveSpecifier(file, specifier);
        if (target !== null) followed.add(`${folderOf(file)} → ${folderOf(target)}`);
      }
    }
    const arrows = Object.entries(ARROWS).flatMap(([from, targets]) =>
      targets.map((to) => `${from} → ${to}`),
    );
    expect(arrows.filter((arrow) => !followed.has(arrow))).toEqual([]);
    const room = (folder: string): string => folder.split('/')[0]!;
    const between = Object.entries(ARROWS).map(([from, targets]): [string, string[]] => [
      room(from),
      targets.map(room).filter((to) => to !== room(from)),
    ]);
    const rooms = [...new Set(between.map(([from]) => from))].map((name): [string, string[]] => {
      const targets = between.filter(([from]) => from === name).flatMap(([, to]) => to);
      return [name, [...new Set(targets)].sort()];
    });
    const page = readSource('CONTRIBUTING.md').matchAll(/^\| `(\w+)\/` +\| ([\w, ]*?) *\|/gm);
    const shown = [...page].map(([, name = '', to = '']): [string, string[]] => [
      name,
      to.split(', ').filter(Boolean),
    ]);
    expect(Object.fromEntries(shown)).toEqual(Object.fromEntries(rooms));
  });

  it('imports between folders that lie inside of others run one way, too, at every depth', () => {
    const wrong: string[] = [];
    for (const file of sources.filter((candidate) => !isTest(candidate))) {
      for (const specifier of importSpecifiers(readSource(file))) {
        const target = resolveSpecifier(file, specifier);
        const arrow = target === null ? null : sideBySide(file, target);
        if (arrow === null || WITHIN[arrow.within]?.[arrow.folder]?.includes(arrow.imports)) continue;
        wrong.push(`${file} imports ${specifier}: in ${arrow.within}, ${arrow.folder} → ${arrow.imports}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('rows of folders inside of others name rows above them only, and every folder has one', () => {
    for (const [within, rows] of Object.entries(WITHIN)) {
      const names = Object.keys(rows);
      for (const [i, name] of names.entries()) {
        expect(names.slice(0, i), `${within}/${name}`).toEqual(expect.arrayContaining([...rows[name]!]));
      }
    }
    const folders = sources.filter((file) => !isTest(file)).map((file) => file.split('/').slice(0, -1));
    const unknown = folders
      .flatMap((parts) => parts.slice(1).map((name, i) => [parts.slice(0, i + 1).join('/'), name] as const))
      .filter(([within, name]) => !(`${within}/${name}` in ARROWS) && !(name in (WITHIN[within] ?? {})));
    expect([...new Set(unknown.map((names) => names.join('/')))]).toEqual([]);
  });

  it.each([
    ['agent/camera/a.ts', 'agent/outbox/b.ts', { within: 'agent', folder: 'camera', imports: 'outbox' }],
    [
      'network/model/run/a.ts',
      'network/model/kernel/b.ts',
      { within: 'network/model', folder: 'run', imports: 'kernel' },
    ],
    ['agent/camera/a.ts', 'agent/b.ts', null],
    ['agent/a.ts', 'agent/camera/b.ts', null],
    ['agent/camera/a.ts', 'runtime/threads/b.ts', null],
    ['network/training/layers/a.ts', 'network/model/run/b.ts', null],
  ])('sees folders side by side: %s imports %s', (from, to, arrow) => {
    expect(sideBySide(from, to)).toEqual(arrow);
  });

  it('imports run in no circle, of files or of folders at any depth', () => {
    const product = sources.filter((file) => !isTest(file));
    const graph = new Map(
      product.map((file) => [
        file,
        importSpecifiers(readSource(file))
          .map((specifier) => resolveSpecifier(file, specifier))
          .filter((target) => target !== null)
          .filter((target) => product.includes(target)),
      ]),
    );
    expect(importCircles(graph)).toEqual([]);
  });

  it('sees circles of files, and of folders whose files run in none', () => {
    const graph = new Map([
      ['a/index.ts', ['a/x/one.ts', 'a/errors.ts']],
      ['a/x/one.ts', ['a/y/deep/two.ts', 'a/x/three.ts', 'a/errors.ts']],
      ['a/x/three.ts', ['a/x/four.ts', 'b/five.ts']],
      ['a/x/four.ts', ['a/x/three.ts']],
      ['a/y/deep/six.ts', ['a/x/four.ts']],
      ['b/five.ts', ['a/index.ts']],
    ]);
    expect(importCircles(graph)).toEqual(['.: a ⇄ b', 'a/x: four.ts ⇄ three.ts', 'a: x ⇄ y']);
  });

  it('nobody outside of fhe/ imports anything deeper than its doors', () => {
    const wrong: string[] = [];
    for (const file of repositoryFiles().filter((name) => /\.(tsx?|mjs)$/.test(name))) {
      if (file.startsWith('fhe/') || file === 'test/architecture.test.ts') continue;
      const doors =
        isTest(file) || /^(bench|attack)\//.test(file) ? [...FHE_DOORS, '#fhe/testing'] : FHE_DOORS;
      for (const specifier of importSpecifiers(readSource(file))) {
        const enters = specifier.startsWith('#fhe') || /(^|\.\/)fhe\//.test(specifier);
        if (enters && !doors.includes(specifier)) wrong.push(`${file} imports ${specifier}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('SEAL is loaded where it is used, not by whoever comes through a door', () => {
    const early = sources.filter((file) => /^import (?!type )[^;]*'node-seal/m.test(readSource(file)));
    expect(early).toEqual([]);
  });

  it('no product file imports a test file', () => {
    const wrong: string[] = [];
    // Benchmarks, attacks and the settings of vitest may use what tests use: none of them runs on a gateway or in a backend.
    const product = sources.filter(
      (candidate) => !isTest(candidate) && !/^(bench\/|attack\/|vitest\.config\.ts$)/.test(candidate),
    );
    for (const file of product) {
      for (const specifier of importSpecifiers(readSource(file))) {
        const target = resolveSpecifier(file, specifier);
        if (target !== null && isTest(target)) wrong.push(`${file} imports ${specifier}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('sees imports of every form', () => {
    const source = [
      "import { a } from '#fhe/secret/keys.ts';",
      "import type { B } from '../network/b.ts';",
      "export * from './c.ts';",
      "import {\n  d,\n} from '#backend/d.ts';",
      "import './e.ts';",
      "const f = await import('#agent/f.ts');",
      "new Worker(new URL('./g.ts', import.meta.url));",
      "// import { no } from './comment.ts';",
    ].join('\n');
    expect(importSpecifiers(source).sort()).toEqual(
      [
        '#fhe/secret/keys.ts',
        '../network/b.ts',
        './c.ts',
        '#backend/d.ts',
        './e.ts',
        '#agent/f.ts',
        './g.ts',
      ].sort(),
    );
  });

  it('reads nothing outside of the repository: what stands beside it is asked for in test/shared-data.ts only', () => {
    const own = ['test/shared-data.ts', 'test/architecture.test.ts', 'test/outside-paths.ts'];
    const found = repositoryFiles()
      .filter((file) => /\.(tsx?|mjs|js|py|sh)$/.test(file) && !own.includes(file))
      .flatMap((file) => outsidePaths(file, readSource(file)).map((path) => `${file}: ${path}`));
    expect(found).toEqual([]);
    const product = sources.filter((file) => !isTest(file) && readSource(file).includes('shared-data'));
    expect(product).toEqual([]);
  });

  it.each([
    ['network/a.test.ts', "new URL('../../shared/data/mnist/', import.meta.url)"],
    ['network/a.test.ts', "join(root, '../shared/data/onnx')"],
    ['network/a.test.ts', "join(root, '..', 'shared', 'data')"],
    ['network/a.test.ts', "join(beside, 'shared')"],
    ['network/a.test.ts', "readFileSync(new URL('../../elsewhere/file', import.meta.url))"],
    ['network/b/a.test.ts', "join(import.meta.dirname, '..', '..', '..', 'elsewhere')"],
    ['network/b/a.test.ts', "join(import.meta.dirname, '../..', '..', 'elsewhere')"],
    ['bench/a.ts', "new URL('../elsewhere', ROOT)"],
  ])('sees that %s leaves the repository by %s', (file, source) => {
    expect(outsidePaths(file, source)).not.toEqual([]);
  });

  it('lets sources name what is in the repository, and memory that is shared', () => {
    const source = [
      "new URL('../../demo/counter/', import.meta.url)",
      "join(import.meta.dirname, '..', '..', 'test/data')",
      'new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true })',
      '// layouts are shared / reused',
    ];
    expect(outsidePaths('network/b/a.test.ts', source.join('\n'))).toEqual([]);
  });

  it('has no file over 500 lines', () => {
    const long = sources
      .map((file) => ({ file, lines: readSource(file).split('\n').length }))
      .filter(({ lines }) => lines > 500);
    expect(long).toEqual([]);
  });
});
