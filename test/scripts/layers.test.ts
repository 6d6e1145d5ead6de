import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';

const ROOT = resolve(import.meta.dirname, '../..');
const PURE = ['events', 'merkle', 'consensus', 'evaluation', 'audit', 'projectors'];

const IMPORT = 'eslint(no-restricted-imports)';
const GLOBAL = 'eslint(no-restricted-globals)';
const PROPERTY = 'eslint(no-restricted-properties)';

/** Where a fault is planted, the code, and the rule that has to find it. */
type Fault = readonly [where: string, code: string, rule: string];

const imports = (folders: readonly string[], specifiers: readonly string[]): Fault[] =>
  folders.flatMap((where) =>
    specifiers.map((from): Fault => [where, `import { x } from '${from}';`, IMPORT]),
  );

const faults: readonly Fault[] = [
  ...imports(PURE, ['node:fs', 'fs/promises', 'https', 'node:timers/promises', 'node:process']),
  ...imports(PURE, ['nats', '@nats-io/jetstream', 'express', 'sqlite3', 'pino', 'prom-client']),
  ...imports(PURE, ['@polkadot/util', '@polkadot/util-crypto', '@polkadot/wasm-crypto']),
  ...imports(PURE, ['@polkadot/api', '@polkadot/rpc-provider', '@polkadot/types']),
  ...imports(PURE, ['@noble/curves', '@noble/hashes', 'ws', 'rolldown', 'buffer']),
  ...imports(PURE, ['@kubernetes/client-node', 'undici']),
  // A manifest is read where its rules are: the parser has no dependencies and does no I/O.
  ...imports(
    PURE.filter((folder) => folder !== 'evaluation'),
    ['yaml'],
  ),
  ...imports(PURE, [
    '../runtime/clock.ts',
    '../handlers/a.ts',
    '../http/a.ts',
    '../chain/chain.ts',
  ]),
  ...imports(PURE, ['../cluster/cluster.ts', '../devchain/a.ts', '../cli/a.ts', '#src/main.ts']),
  ...imports(PURE, ['../main.ts', '../config.ts', '#src/runtime/clock.ts', '../../src/cli/a.ts']),
  ...PURE.flatMap((where): Fault[] => [
    [where, "import { randomBytes } from 'node:crypto';", IMPORT],
    [where, "import { webcrypto } from 'crypto';", IMPORT],
    [where, "import type { A } from '../chain/chain.ts';", IMPORT],
    [where, "export { a } from '../runtime/clock.ts';", IMPORT],
    [where, "export const a = await import('../runtime/clock.ts');", IMPORT],
    [where, 'export const a = Date.now();', GLOBAL],
    [where, 'export const a = new Date(0);', GLOBAL],
    [where, 'export const a = process.pid;', GLOBAL],
    [where, 'export const a = globalThis;', GLOBAL],
    [where, 'export const a = performance.now();', GLOBAL],
    [where, 'export const a = crypto.randomUUID();', GLOBAL],
    [where, "export const a = fetch('');", GLOBAL],
    [where, 'export const a = setTimeout(() => {}, 0);', GLOBAL],
    [where, 'export const a = new Intl.Collator();', GLOBAL],
    [where, 'export const a = Math.random();', PROPERTY],
    [where, 'export const { random } = Math;', PROPERTY],
    [where, "export const a = 'a'.localeCompare('b');", PROPERTY],
  ]),
  ...imports(['events'], ['../merkle/a.ts', '../consensus/a.ts']),
  ...imports(['merkle'], ['../consensus/a.ts', '../audit/a.ts']),
  ...imports(['consensus'], ['../evaluation/a.ts', '../audit/a.ts', '../projectors/a.ts']),
  ...imports(['evaluation'], ['../audit/a.ts', '../projectors/a.ts']),
  ...imports(['audit'], ['../projectors/a.ts']),
  ...imports(['handlers', 'http'], ['nats', '@nats-io/jetstream', 'sqlite3', '@polkadot/util']),
  ...imports(['handlers', 'http', 'runtime', 'cluster'], ['@noble/curves/bls12-381.js', 'ws']),
  ...imports(['handlers', 'http'], ['../runtime/clock.ts', '../devchain/a.ts', '../main.ts']),
  ...imports(['handlers', 'http'], ['../chain/subtensor.ts', '../chain/chain-specs.ts']),
  ...imports(['handlers', 'http'], ['../cluster/kubernetes.ts', '#src/cluster/clusters.ts']),
  ...imports(['handlers'], ['../http/a.ts', 'express']),
  ...imports(['http'], ['../handlers/a.ts']),
  ...imports(['runtime'], ['../chain/chain.ts', '../handlers/a.ts', '@polkadot/util', 'express']),
  ...imports(['chain'], ['../runtime/clock.ts', '../devchain/a.ts', 'nats', 'sqlite3']),
  ...imports(['devchain', 'cluster'], ['../runtime/clock.ts', 'nats', '../cli/a.ts']),
  ...imports(['cli', 'main.ts'], ['nats', 'sqlite3', 'express', '@polkadot/util']),
  ...imports(
    ['audit-page'],
    ['node:crypto', '@noble/curves/ed25519.js', '@polkadot/util', 'rolldown'],
  ),
  ...imports(['audit-page'], ['../chain/subtensor.ts', '../runtime/clock.ts', '../http/a.ts']),
  ...imports(['errors.ts'], ['./events/a.ts', 'zod', 'node:fs']),
  ...imports(['config.ts'], ['./runtime/clock.ts', './main.ts']),
  ['handlers', "export const a = process.env['A'];", 'node(no-process-env)'],
  ['runtime', "export const a = process.env['A'];", 'node(no-process-env)'],
  ['runtime', 'export const a = async () => 1;\na();', 'typescript(no-floating-promises)'],
  ['runtime', 'export const a = async () => true;\nif (a()) a;', 'typescript(no-misused-promises)'],
  [
    'runtime',
    "export function a(b: 'c' | 'd') { switch (b) { case 'c': return 1; } return 0; }",
    'typescript(switch-exhaustiveness-check)',
  ],
  ['runtime', 'export const a: any = 1;', 'typescript(no-explicit-any)'],
  ['runtime', 'export const a = [1].at(0)!;', 'typescript(no-non-null-assertion)'],
  ['runtime', "export function a() { throw 'b'; }", 'typescript(only-throw-error)'],
  ['runtime', 'export default 1;', 'import(no-default-export)'],
  ['runtime', "export * from './clock.ts';", 'oxc(no-barrel-file)'],
  ['runtime', "console.log('a');", 'eslint(no-console)'],
  [
    'runtime',
    'try { throw Error(); } catch (e) { throw Error("b"); }',
    'eslint(preserve-caught-error)',
  ],
  ['runtime', `export function a() {\n${'f();\n'.repeat(60)}}`, 'eslint(max-lines-per-function)'],
  ...imports(
    ['merkle/ed25519.ts'],
    ['@noble/hashes/sha2.js', '@polkadot/util', 'node:fs', '../consensus/a.ts'],
  ),
  ['runtime/CamelCase.ts', 'export const a = 1;', 'unicorn(filename-case)'],
  ['runtime/cycle.ts', "import './cycle.ts';", 'import(no-cycle)'],
];

/** What each layer is there to do, and no rule may forbid. */
const allowed: readonly (readonly [where: string, code: string])[] = [
  [
    'events',
    "import { hash } from 'node:crypto';\nimport { z } from 'zod';\nexport const a = [hash, z];",
  ],
  ['merkle', "import { sha256 } from '../events/hash.ts';\nexport const a = sha256;"],
  ['merkle/ed25519.ts', "import { a } from '@noble/curves/ed25519.js';\nexport const b = a;"],
  ['consensus', "import { ok } from 'node:assert';\nimport { a } from '../merkle/a.ts';\nok(a);"],
  ['evaluation', "import { parse } from 'yaml';\nexport const a = parse;"],
  ['audit', "import { a } from '../consensus/a.ts';\nexport const b = a;"],
  ['projectors', "import { a } from '../audit/a.ts';\nexport const b = a;"],
  [
    'handlers',
    "import { a } from '../chain/chain.ts';\nimport { b } from '../projectors/a.ts';\na(b);",
  ],
  [
    'http',
    "import { Router } from 'express';\nimport { b } from '../cluster/cluster.ts';\nb(Router);",
  ],
  [
    'runtime',
    "import { connect } from 'nats';\nimport type { A } from '../handlers/a.ts';\nexport const a: A = connect;",
  ],
  ['chain', "import { u8aToHex } from '@polkadot/util';\nexport const a = u8aToHex;"],
  ['devchain', "import { a } from '../chain/chain.ts';\nexport const b = a;"],
  [
    'audit-page',
    "import { sha256 } from '@noble/hashes/sha2.js';\nimport { a } from '../chain/hotkey.ts';\nimport { b } from '../audit/b.ts';\na(sha256, b);",
  ],
  ['cli', "import { a } from '../runtime/a.ts';\nexport const b = [a, process.env['A']];"],
];

const Output = z.object({
  diagnostics: z.array(z.object({ code: z.string().default(''), filename: z.string() })),
});

let root: string;
/** The rules that reported something, by planted file. */
let reported: ReadonlyMap<string, readonly string[]>;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'eirel-layers-'));
  const planted = [...faults, ...allowed];
  for (const [index, [where, code]] of planted.entries()) {
    const path = join(root, fileOf(where, index));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, `${code}\n`);
  }
  const all: [file: string, rule: string][] = [];
  for (const project of await readdir(root)) {
    await symlink(join(ROOT, 'node_modules'), join(root, project, 'node_modules'));
    for (const config of ['.oxlintrc.json', 'tsconfig.json']) {
      await cp(join(ROOT, config), join(root, project, config));
    }
    const { diagnostics } = await lint(join(root, project));
    for (const { filename, code } of diagnostics) all.push([join(project, filename), code]);
  }
  const byFile = Map.groupBy(all, ([file]) => file);
  reported = new Map([...byFile].map(([file, rules]) => [file, rules.map(([, rule]) => rule)]));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** Each fault has a file of its own; a fault that names its file has a copy of the project of its own. */
function fileOf(where: string, index: number): string {
  return where.endsWith('.ts')
    ? `project-${index}/src/${where}`
    : `project/src/${where}/planted-${index}.ts`;
}

async function lint(project: string): Promise<z.infer<typeof Output>> {
  const oxlint = join(ROOT, 'node_modules/.bin/oxlint');
  const stdout = await new Promise<string>((settle) => {
    // It exits with an error when it finds something, which is what we want.
    execFile(oxlint, ['--type-aware', '--format=json', 'src'], { cwd: project }, (_error, output) =>
      settle(output),
    ).stdin?.end();
  });
  return Output.parse(JSON.parse(stdout));
}

const folders = [...new Set(faults.map(([where]) => where))];

test.for(folders)('every fault planted in %s is found', (folder) => {
  const missed = faults.filter(([where, , rule], index) => {
    return where === folder && !reported.get(fileOf(where, index))?.includes(rule);
  });
  expect(missed).toEqual([]);
});

test.for(allowed.map((one, index) => ({ where: one[0], index: faults.length + index })))(
  'what $where is there to do is allowed',
  ({ where, index }) => {
    expect(reported.get(fileOf(where, index))).toBeUndefined();
  },
);

test('every folder of src has layer rules', async () => {
  const config = await readFile(join(ROOT, '.oxlintrc.json'), 'utf8');
  const entries = await readdir(join(ROOT, 'src'), { withFileTypes: true });
  const bare = entries.filter(
    (entry) => entry.isDirectory() && !config.includes(`"src/${entry.name}/**"`),
  );
  expect(bare.map(({ name }) => name)).toEqual([]);
});

test('every package but zod is refused in the pure core', async () => {
  const Manifest = z.object({ dependencies: z.record(z.string(), z.string()) });
  const manifest = Manifest.parse(JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')));
  const planted = faults.flatMap(([where, code]) => (where === 'events' ? [code] : [])).join('\n');
  const untested = Object.keys(manifest.dependencies).filter(
    (name) => !planted.includes(`'${name}'`),
  );
  expect(untested).toEqual(['node', 'zod']);
});
