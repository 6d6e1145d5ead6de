import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readManifest } from '#src/evaluation/manifest.ts';
import { encode, type Json } from '#src/events/ej1.ts';

const read = (value: Json) => readManifest(encode(value));

test('a manifest that says nothing has the defaults of the existing services', () => {
  expect(read({})).toEqual({
    kind: 'read',
    manifest: {
      runtime: { health_path: '/healthz', invoke_path: '/v1/agent/infer' },
      inference: { providers: ['chutes'], model: '' },
      sdk_runtime: { package_mode: 'single_file', entry_module: 'app', app_object: 'app' },
    },
  });
});

test('what a manifest asks for and nobody grants does not make it unfit', () => {
  const asked = { schema_version: 1, resources: { cpu: 64 }, runtime: { kind: 'graph', port: 80 } };
  expect(read(asked)).toMatchObject({
    kind: 'read',
    manifest: { runtime: { health_path: '/healthz' } },
  });
});

test.each<[string, Json]>([
  ['another host in the health path', { runtime: { health_path: '@evil/' } }],
  ['a query in the health path', { runtime: { health_path: '/healthz?x=1' } }],
  ['a line in the invoke path', { runtime: { invoke_path: '/a\nb' } }],
  ['a step out of the archive', { sdk_runtime: { entry_module: 'a/../../b.mjs' } }],
  ['an absolute entry module', { sdk_runtime: { entry_module: '/etc/passwd' } }],
  ['an option as the entry module', { sdk_runtime: { entry_module: '--eval=1' } }],
  ['an unknown package mode', { sdk_runtime: { package_mode: 'docker' } }],
  ['a list', []],
])('%s makes a manifest unfit', (_name, value) => {
  expect(read(value)).toMatchObject({ kind: 'unfit', detail: expect.any(String) });
});

test('no text makes the reader throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      expect(readManifest(text).kind).toMatch(/^(read|unfit)$/);
    }),
  );
});
