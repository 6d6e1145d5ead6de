import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readPrices, readProviders } from '#src/cli/proxy/providers-file.ts';
import table from '#src/evaluation/price-table.json' with { type: 'json' };
import { scratchDirectory } from '../../support/scratch-directory.ts';

const PAGE = readFileSync(new URL('../../../docs/operating.md', import.meta.url), 'utf8');
const [, SECTION = ''] = PAGE.split('## The model proxy');
const EXAMPLE = /```json\n([\s\S]+?)```/.exec(SECTION)?.[1] ?? '';

/** A folder with a file of providers, and with the key of one. */
async function providersIn(path: string, text: string): Promise<string> {
  await mkdir(path, { recursive: true });
  await writeFile(join(path, 'chutes.key'), 'the-key\n', { mode: 0o600 });
  await writeFile(join(path, 'providers.json'), text);
  return join(path, 'providers.json');
}

test('the file of the guide names two providers, with the key that lies beside it', async () => {
  await using scratch = await scratchDirectory();
  expect(await readProviders(await providersIn(scratch.path, EXAMPLE))).toEqual([
    {
      name: 'chutes',
      url: 'https://llm.chutes.ai/v1/chat/completions',
      key: 'the-key',
      models: null,
      unpriced: false,
    },
    {
      name: 'own',
      url: 'http://127.0.0.1:8000/v1/chat/completions',
      key: null,
      models: ['small'],
      unpriced: true,
    },
  ]);
});

const one = (more: object) =>
  JSON.stringify({ providers: [{ name: 'a', url: 'http://a.example/', keyFile: null, ...more }] });

test.for([
  ['no JSON', '{', "can't be read as JSON"],
  ['no providers', '{"providers":[]}', 'providers'],
  ['a field that none has', one({ key: 'the-key' }), 'key'],
  ['an address that is none', one({ url: 'chutes' }), 'the URL of its chat completions'],
  ['a name in capitals', one({ name: 'Chutes' }), 'a name such as chutes'],
  ['a key that is not there', one({ keyFile: 'other.key' }), "can't be read"],
  [
    'a provider twice',
    JSON.stringify({ providers: [1, 2].map(() => JSON.parse(one({})).providers[0]) }),
    'names a twice',
  ],
] as const)('a file with %s is refused, by its name and no key', async ([, text, words]) => {
  await using scratch = await scratchDirectory();
  const file = await providersIn(scratch.path, text);
  await expect(readProviders(file)).rejects.toMatchObject({
    code: 'config.invalid',
    details: { faults: [expect.stringContaining(words)] },
  });
  await expect(readProviders(file)).rejects.not.toThrow('the-key');
});

test('prices are those of the release, or of a file of the same form', async () => {
  await using scratch = await scratchDirectory();
  expect(await readPrices(undefined)).toEqual(table);
  const file = join(scratch.path, 'prices.json');
  await writeFile(file, JSON.stringify({ ...table, version: 'own-1', models: [] }));
  expect(await readPrices(file)).toMatchObject({ version: 'own-1', models: [] });
  await writeFile(file, JSON.stringify({ ...table, unit: 'EUR' }));
  await expect(readPrices(file)).rejects.toMatchObject({ code: 'config.invalid' });
});
