import fc from 'fast-check';
import { expect, test } from 'vitest';
import { manifestText } from '#src/evaluation/submission-yaml.ts';
import { MANIFEST_YAML } from '../support/tar-files.ts';

const read = (text: string | Uint8Array) => manifestText(Buffer.from(text));

test('a manifest has one text, whatever it looks like as YAML', () => {
  const expected =
    '{"agent":{"name":"honest","version":"1.0.0"},"family_id":"general_chat",' +
    '"resources":{"cpu":"0.5","memory_gb":2},"runtime":{"port":8080},"schema_version":1}';
  expect(read(MANIFEST_YAML)).toEqual({ kind: 'read', text: expected });
  const otherwise = `
# the same
"family_id": 'general_chat'
runtime: {port: 0x1F90}
resources: {memory_gb: 2, cpu: 5.0e-1}
agent: {version: 1.0.0, name: "hon\\x65st"}
schema_version: 1
`;
  expect(read(otherwise)).toEqual({ kind: 'read', text: expected });
});

test('a manifest may be JSON, or have words over several lines', () => {
  expect(read('{\n  "runtime": {"port": 8081},\n  "capabilities": []\n}\n')).toEqual({
    kind: 'read',
    text: '{"capabilities":[],"runtime":{"port":8081}}',
  });
  expect(read('about: >\n  two\n  words\nnothing:\n')).toEqual({
    kind: 'read',
    text: '{"about":"two words\\n","nothing":null}',
  });
});

test('words that mean something else in older YAML are words', () => {
  expect(read('agent: {name: no, on: yes, when: 2026-11-29, at: 12:30:00}')).toEqual({
    kind: 'read',
    text: '{"agent":{"at":"12:30:00","name":"no","on":"yes","when":"2026-11-29"}}',
  });
});

test.each<[string, string | Uint8Array]>([
  ['an anchor', 'agent: &a {name: x}'],
  ['an alias', 'a: &a [x]\nb: *a'],
  ['aliases that multiply', 'a: &a [x,x]\nb: &b [*a,*a,*a]\nc: &c [*b,*b,*b]\nd: [*c,*c,*c]'],
  ['a merge', 'a: &a {x: 1}\nb:\n  <<: *a'],
  ['a tag of a program', 'a: !!python/object/apply:os.system ["ls"]'],
  ['a tag of its own', 'a: !secret x'],
  ['binary data', 'a: !!binary aGVsbG8='],
  ['a key twice', 'a: 1\na: 2'],
  ['a key that is a list', '? [a]\n: 1'],
  ['a key that is a figure', '1: x'],
  ['a key beyond ASCII', 'größe: 1'],
  ['two documents', 'a: 1\n---\nb: 2'],
  ['a directive', '%YAML 1.1\n---\na: 1'],
  ['no mapping', '- a\n- b'],
  ['nothing', ''],
  ['a comment alone', '# nothing\n'],
  ['a scalar', 'hello'],
  ['a line further left than its block', 'a:\n    b: 1\n  c: 2\n'],
  ['a colon in a plain text', 'a: b: c\n'],
  ['broken YAML', 'a: [1'],
  ['a tab for indentation', 'a:\n\tb: 1'],
  ['bytes that are no UTF-8', Buffer.from([0x61, 0x3a, 0x20, 0xff])],
  ['a runtime that is none', 'runtime: 80'],
  ['nesting without end', `a: ${'['.repeat(2_000)}${']'.repeat(2_000)}`],
  ['nesting beyond what is canonical', `a: ${'['.repeat(40)}${']'.repeat(40)}`],
  ['more bytes than are read', `a: ${'x'.repeat(4_096)}`],
])('%s is no manifest', (_name, text) => {
  expect(read(text)).toMatchObject({ kind: 'unfit', detail: expect.any(String) });
});

test('no bytes make the reader throw', () => {
  const chars = fc.constantFrom(...'{}[]:,&*!|>%@`"\'#?- \n\tax1~\\<'.split(''));
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: chars, maxLength: 80 }), fc.string()), (text) => {
      expect(read(text).kind).toMatch(/^(read|unfit)$/);
    }),
    { numRuns: 500 },
  );
});
