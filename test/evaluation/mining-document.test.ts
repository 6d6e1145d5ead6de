import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { minerEnvironment } from '#src/cluster/miner-environment.ts';
import { answerReader } from '#src/evaluation/answer-stream.ts';
import { requestBody } from '#src/evaluation/invocation.ts';
import { readManifest } from '#src/evaluation/manifest.ts';
import { manifestText } from '#src/evaluation/submission-yaml.ts';
import { Task } from '#src/evaluation/task-set.ts';

const ROOT = new URL('../../', import.meta.url);
const PAGE = readFileSync(new URL('docs/mining.md', ROOT), 'utf8');

/** The page's one block of this kind. */
function block(kind: string): string {
  return new RegExp(`\`\`\`${kind}\\n([\\s\\S]+?)\`\`\``).exec(PAGE)?.[1] ?? '';
}

/** Names in the first column of the tables, such as `A`, `B`. */
const variables = [...PAGE.matchAll(/^\| (`[A-Z_]+`(?:, `[A-Z_]+`)*) \|/gm)].flatMap(
  ([, cell = '']) => cell.replaceAll('`', '').split(', '),
);

const services = { providerProxy: '', webSearch: '', urlFetch: '', sandbox: '', rag: '' };

test('the manifest of the page is one, and what it leaves to be left out is what a manifest without it has', () => {
  const manifest = manifestText(Buffer.from(block('yaml')));
  expect(manifest.kind).toBe('read');
  const [written, empty] = [manifest.kind === 'read' ? manifest.text : '', '{}'].map(readManifest);
  if (written?.kind !== 'read' || empty?.kind !== 'read') throw new Error('no manifest');
  const { runtime, inference, sdk_runtime: sdk } = written.manifest;
  expect(runtime).toEqual({ ...empty.manifest.runtime });
  expect(sdk).toEqual({ ...empty.manifest.sdk_runtime });
  expect({ ...inference, model: '' }).toEqual({ ...empty.manifest.inference });
});

test('the variables of the page are those that a submission has, each once', () => {
  const read = readManifest('{}');
  if (read.kind !== 'read') throw new Error(read.detail);
  const { manifest } = read;
  const environment = minerEnvironment({ submission: 's', manifest, port: 1, services });
  expect(variables.toSorted()).toEqual(Object.keys(environment).toSorted());
});

test('the question of the page is what a miner is asked', () => {
  const task = Task.parse({
    task_id: 'task-001',
    family_id: 'general_chat',
    prompt: 'What is 17 times 23?',
    category: 'compute_or_orchestrate',
    expected_output: { answer: '391' },
  });
  const asked = requestBody(task, { turn: 'task-001', prompt: task.prompt, history: [] });
  expect(JSON.parse(block('json'))).toEqual(JSON.parse(asked));
});

test('the answer of the page is read as it says', () => {
  expect(answerReader().push(Buffer.from(block('ndjson')))).toEqual({
    kind: 'completed',
    answer: '17 times 23 is 391.',
    citations: [{ url: 'https://example.org/', title: 'Multiplication' }],
  });
});

test('the pages for miners and validators name the routes of the services, all of them and no others', () => {
  const folders = ['owner', 'ledger', 'proxy', 'tools'].map((name) => `src/http/${name}/`);
  const code = folders
    .flatMap((folder) =>
      readdirSync(new URL(folder, ROOT)).map((file) =>
        readFileSync(new URL(`${folder}${file}`, ROOT), 'utf8'),
      ),
    )
    .join('\n')
    .replaceAll('${BASE}', '/v1/internal/eval');
  const routes = [...code.matchAll(/path: ['`](\/[^'`]+)['`]/g)].map(([, path = '']) => path);
  const [, protocol = ''] = readFileSync(new URL('docs/protocol.md', ROOT), 'utf8').split(
    '### The owner',
  );
  const named = [...`${PAGE}${protocol}`.matchAll(/(?:GET|POST) (\/v1\/[^`\s?]+)/g)].map(
    ([, path = '']) => path,
  );
  expect(named.length).toBeGreaterThan(40);
  for (const path of named)
    if (!path.startsWith('/v1/agent/'))
      expect(
        routes.some((route) => patternOf(route).test(path)),
        path,
      ).toBe(true);
  const unnamed = routes.filter((route) => !named.some((path) => patternOf(route).test(path)));
  expect(unnamed).toEqual([]);
});

/** The paths of a route: each part that is a parameter there may be anything. */
function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(/\$\{[^}]+\}|:[a-z_]+/g, '[^/]+')}$`);
}
