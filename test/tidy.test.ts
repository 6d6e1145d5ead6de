import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { catalogue } from '#src/events/catalogue.ts';
import { logs } from '#src/events/subjects.ts';
import { streamConfig } from '#src/runtime/streams.ts';
import { generatedDocs } from '../scripts/docs.ts';

const root = new URL('../', import.meta.url);
const read = (path: string): Promise<string> => readFile(new URL(path, root), 'utf8');

async function sources(folder: string): Promise<ReadonlyMap<string, string>> {
  const entries = await readdir(new URL(folder, root), { recursive: true });
  const files = entries.filter((file) => file.endsWith('.ts'));
  return new Map(
    await Promise.all(
      files.map(async (file) => [`${folder}${file}`, await read(`${folder}${file}`)] as const),
    ),
  );
}

test('what the documentation derives from the code is up to date', async () => {
  for (const [file, content] of await generatedDocs())
    expect(await read(file), `${file}: run npm run docs`).toBe(content);
});

test('every event has its documentation', async () => {
  const page = await read('docs/events.md');
  for (const { type } of catalogue) {
    const section = page.split(`## ${type}\n\n`)[1]?.split('\n')[0] ?? '';
    expect(section, type).not.toBe('');
  }
});

test('every error code is thrown somewhere', async () => {
  const union = (await read('src/errors.ts')).matchAll(/^ {2}\| '([a-z0-9.-]+)'/gm);
  const code = [...(await sources('src/'))]
    .filter(([file]) => file !== 'src/errors.ts' && file !== 'src/cli/exit-codes.ts')
    .map(([, text]) => text)
    .join('\n');
  for (const [, name = ''] of union) expect(code.includes(`'${name}'`), name).toBe(true);
});

test('polkadot.js is loaded as CommonJS: as ES modules it takes a process two seconds more to start', async () => {
  for (const folder of ['src/', 'test/'])
    for (const [file, text] of await sources(folder))
      for (const [, name = ''] of text.matchAll(
        /^(?:import|export|\}) .*from '(@polkadot\/.*)';$/gm,
      ))
        expect(name, file).toMatch(/^@polkadot\/[a-z-]+\/cjs\//);
});

test.for(logs)('the stream of the log %s is configured as an append-only log', (log) => {
  expect(streamConfig(log).name).toBe(log);
});

describe('links', () => {
  test.for([
    'README.md',
    'CONTRIBUTING.md',
    'docs/architecture.md',
    'docs/protocol.md',
    'docs/operating.md',
    'docs/mining.md',
    'docs/auditing.md',
    'deploy/k8s/README.md',
  ])('%s leads to files that exist, and to sections that they have', async (page) => {
    const base = new URL(page, root);
    for (const [, target = '', section] of (await read(page)).matchAll(
      /\]\(([^)#]*)(?:#([^)]*))?\)/g,
    )) {
      const url = target === '' ? base : new URL(target, base);
      await expect(
        target.endsWith('/') ? readdir(url) : readFile(url),
        `${page} → ${target}`,
      ).resolves.toBeDefined();
      if (section !== undefined)
        expect(sectionsOf(await readFile(url, 'utf8')), `${page} → ${target}`).toContain(section);
    }
  });
});

/** The names by which the sections of a page are linked to. */
function sectionsOf(page: string): readonly string[] {
  return [...page.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

test('each folder of src has its place in the guide for whoever changes it', async () => {
  const guide = await read('CONTRIBUTING.md');
  const entries = await readdir(new URL('src/', root), { withFileTypes: true });
  for (const { name } of entries.filter((entry) => entry.isDirectory()))
    expect(guide, name).toMatch(new RegExp(`^\\|.*\`${name}\`.*\\|`, 'm'));
});

test('the packages that are pinned are pinned exactly', async () => {
  const { dependencies, devDependencies } = z
    .looseObject({
      dependencies: z.record(z.string(), z.string()),
      devDependencies: z.record(z.string(), z.string()),
    })
    .parse(JSON.parse(await read('package.json')));
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies }))
    expect(version, name).toMatch(/^(npm:.+@)?\d+\.\d+\.\d+$/);
});
