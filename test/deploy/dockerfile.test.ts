import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { commandNames } from '#src/cli/commands.ts';
import { buildJob } from '#src/cluster/objects/job.ts';
import { readManifest } from '#src/evaluation/manifest.ts';
import { PROFILE } from '../support/cluster-site.ts';
import { wantedRuntime } from '../support/wanted-runtime.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');

/** The instructions of the Dockerfile, with their lines put together. */
const instructions = read('deploy/Dockerfile')
  .split('\n')
  .filter((line) => !line.startsWith('#'))
  .join('\n')
  .replaceAll('\\\n', ' ')
  .split('\n')
  .filter((line) => line.trim() !== '')
  .map((line) => {
    const [, name = '', rest = ''] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
    return { name, rest };
  });
const valuesOf = (name: string) =>
  instructions.filter((each) => each.name === name).map(({ rest }) => rest);

test('each line of the Dockerfile is an instruction', () => {
  const known = ['FROM', 'WORKDIR', 'RUN', 'COPY', 'ENV', 'USER', 'ENTRYPOINT', 'CMD'];

  expect(instructions.map(({ name }) => name).filter((name) => !known.includes(name))).toEqual([]);
});

test('it is based on the Node that the project is locked to', () => {
  const Package = z.object({ dependencies: z.object({ node: z.string() }) });
  const { node } = Package.parse(JSON.parse(read('package.json'))).dependencies;

  expect(valuesOf('FROM')).toEqual([
    `node:${node}-trixie-slim AS packages`,
    `node:${node}-trixie-slim`,
  ]);
});

test('what is copied is there, and no more than that is given to the build', () => {
  const copied = valuesOf('COPY')
    .filter((rest) => !rest.startsWith('--from'))
    .flatMap((rest) => rest.split(' ').slice(0, -1));
  const allowed = read('deploy/Dockerfile.dockerignore')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1));

  expect(copied.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
  expect(new Set(copied)).toEqual(new Set(allowed));
  expect(read('deploy/Dockerfile.dockerignore')).toContain('\n*\n');
});

test('it runs the command line, as a user without a name', () => {
  const Strings = z.array(z.string());
  const [program, script = ''] = Strings.parse(JSON.parse(valuesOf('ENTRYPOINT')[0] ?? ''));

  expect([program, script]).toEqual(['node', '/app/src/cli/eirel.ts']);
  expect(existsSync(join(ROOT, script.replace('/app/', '')))).toBe(true);
  expect(valuesOf('USER')).toEqual(['10001:10001']);
  expect(new Set(valuesOf('WORKDIR'))).toEqual(new Set(['/app']));
});

test('the programs of a submission’s init containers are in it', () => {
  const wanted = wantedRuntime();
  const found = readManifest(wanted.manifest);
  if (found.kind !== 'read') throw new Error(found.detail);
  const address = '10.43.0.1';
  const services = {
    'provider-proxy': address,
    'web-search-tool-service': address,
    'url-fetch-tool-service': address,
    'rag-tool-service': address,
    'sandbox-tool-service': address,
    ledger: address,
  };
  const job = buildJob({
    wanted,
    manifest: found.manifest,
    profile: PROFILE,
    services,
    anchorUid: '',
  });
  const programs = job.spec?.template.spec?.initContainers?.map(
    ({ command }) => command?.[1] ?? '',
  );

  expect(programs).toHaveLength(2);
  for (const program of programs ?? []) {
    expect(program).toMatch(/^\/app\/src\//);
    expect(existsSync(join(ROOT, program.replace('/app/', '')))).toBe(true);
  }
});

test('each service of the stack is a command of it', () => {
  const Stack = z.object({
    kind: z.literal('Deployment'),
    spec: z.object({
      template: z.object({
        spec: z.object({
          containers: z.array(z.object({ image: z.string(), args: z.array(z.string()) })),
        }),
      }),
    }),
  });
  const folder = join(ROOT, 'deploy/k8s/base');
  const commands = readdirSync(folder)
    .flatMap((file) => parseAllDocuments(readFileSync(join(folder, file), 'utf8')))
    .flatMap((document) => {
      const stack = Stack.safeParse(document.toJS());
      return stack.success ? stack.data.spec.template.spec.containers : [];
    })
    .filter(({ image }) => image === 'eirel')
    .map(({ args }) => args.join(' '));

  expect(commands).toHaveLength(7);
  expect(commands.filter((name) => !commandNames.includes(name))).toEqual([]);
});
