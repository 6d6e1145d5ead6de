import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { manifestText } from '#src/evaluation/submission-yaml.ts';
import { decode } from '#src/events/ej1.ts';

const read = (text: string): unknown => {
  const found = manifestText(Buffer.from(text));
  return found.kind === 'read' ? decode(found.text) : found;
};

const MANIFEST = `---
# a submission
schema_version: 1
agent:
  name: "an agent"   # quoted
  version: 1.0.0
family_id: general_chat
runtime:
  port: 8080
  health_path: /healthz
  kind: base_agent
capabilities:
- chat
- 'it''s'
resources: {cpu: 2, memory_gb: 0.5, gpu: null}
inference:
  providers: [chutes, "open ai"]
  requires_subnet_provider_proxy: true
  model: moonshotai/Kimi-K2.5-TEE
sdk_runtime:
    package_mode: single_file
    dependency_group:
`;

describe('a submission.yaml', () => {
  test('says what YAML says it does, but for fractions, which stay text', () => {
    expect(read(MANIFEST)).toEqual({
      schema_version: 1,
      agent: { name: 'an agent', version: '1.0.0' },
      family_id: 'general_chat',
      runtime: { port: 8080, health_path: '/healthz', kind: 'base_agent' },
      capabilities: ['chat', "it's"],
      resources: { cpu: 2, memory_gb: '0.5', gpu: null },
      inference: {
        providers: ['chutes', 'open ai'],
        requires_subnet_provider_proxy: true,
        model: 'moonshotai/Kimi-K2.5-TEE',
      },
      sdk_runtime: { package_mode: 'single_file', dependency_group: null },
    });
  });

  test('may be JSON, also over several lines', () => {
    expect(read('{\n  "runtime": {"port": 8081},\n  "capabilities": []\n}\n')).toEqual({
      runtime: { port: 8081 },
      capabilities: [],
    });
  });

  test.each([
    ['nothing', ''],
    ['a comment alone', '# nothing\n'],
    ['a list', '- a\n- b\n'],
    ['a scalar', 'hello\n'],
    ['a key twice', 'a: 1\na: 2\n'],
    ['a key twice in brackets', 'a: {b: 1, b: 2}\n'],
    ['an anchor', 'a: &x 1\nb: *x\n'],
    ['an alias', 'b: *x\n'],
    ['a tag', 'a: !!python/object:os.system x\n'],
    ['a block scalar', 'a: |\n  text\n'],
    ['a tab before a key', 'a:\n\tb: 1\n'],
    ['a line further left than its block', 'a:\n    b: 1\n  c: 2\n'],
    ['a line further right than its block', 'a: 1\n  b: 2\n'],
    ['a quote without end', 'a: "x\n'],
    ['a bracket without end', 'a: [1, 2\n'],
    ['text after a value', 'a: [1] 2\n'],
    ['a key that is no ASCII', '"é": 1\n'],
    ['a second document', 'a: 1\n---\nb: 2\n'],
    ['a colon in a plain text', 'a: b: c\n'],
    ['ten levels', Array.from({ length: 10 }, (_, at) => `${' '.repeat(at)}k${at}:\n`).join('')],
    ['more than a manifest has', `a: ${'x'.repeat(5_000)}\n`],
  ])('that is %s is unfit', (_name, text) => {
    expect(read(text)).toMatchObject({ kind: 'unfit', detail: expect.any(String) });
  });

  test('that is no UTF-8 is unfit', () => {
    expect(manifestText(Buffer.from([0xff, 0xfe]))).toMatchObject({ kind: 'unfit' });
  });

  test('never makes the reader throw, and is read as YAML reads it where it is read', () => {
    const word = fc.constantFrom(
      'a',
      'b: 1',
      'c:',
      '- x',
      '  d: [1, "q"]',
      '# c',
      "'e': 'f'",
      '  ',
      '{g: 2}',
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(word, { maxLength: 6 }).map((lines) => lines.join('\n')),
    );
    fc.assert(
      fc.property(text, (yaml) => {
        const found = manifestText(Buffer.from(yaml));
        if (found.kind === 'read') expect(decode(found.text)).toEqual(parse(yaml));
      }),
      { numRuns: 500 },
    );
  });
});
