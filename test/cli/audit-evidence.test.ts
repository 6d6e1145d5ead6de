import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkEvidence } from '#src/audit/evidence.ts';
import { EXPLANATIONS } from '#src/audit/evidence-form.ts';
import { EXIT } from '#src/cli/exit-codes.ts';
import { MAX_EVIDENCE_LENGTH } from '#src/events/evidence.ts';
import { devSigner } from '../support/dev-keys.ts';
import { ACCUSED, CONTEXT, FILES, GENESIS, NETUID, OWNER } from '../support/evidence-cases.ts';
import { eirelHere } from '../support/process-eirel.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';

const OTHER = devSigner('other').hotkey;
const [REPORTS = ''] = FILES.map(({ text }) => text);
const NETWORK = ['--genesis', GENESIS, '--netuid', String(NETUID)];

const inLatin1 = (text: string): Uint8Array => Buffer.from(text, 'latin1');

let file: string;
const cleanup = new AsyncDisposableStack();
beforeAll(async () => {
  file = join(cleanup.use(await scratchDirectory()).path, 'evidence.json');
});
afterAll(() => cleanup.disposeAsync());

async function audit(text: string | Uint8Array, ...options: readonly string[]) {
  await writeFile(file, text);
  return eirelHere(['audit', 'evidence', file, ...options]);
}

test.for(FILES)('of $name says who did what, and what it means', async ({ kind, text }) => {
  const hotkey = kind === 'roster' ? OWNER : ACCUSED;
  const { code, out, err } = await audit(text, ...NETWORK, '--hotkey', hotkey);
  expect({ code, err }).toEqual({ code: EXIT.ok, err: '' });
  const check = checkEvidence(text, CONTEXT);
  if (check.kind === 'refused') throw new Error(check.reason);
  const { summary, says, digest } = check.evidence;
  for (const part of [summary, ...says, digest, `kind     ${kind}`, `hotkey   ${hotkey}`])
    expect(out).toContain(part);
  expect(out).toContain(EXPLANATIONS[kind]);
});

test('prints JSON', async () => {
  const { code, out } = await audit(REPORTS, ...NETWORK, '--json');
  const check = checkEvidence(REPORTS, CONTEXT);
  const evidence = check.kind === 'proved' ? check.evidence : null;
  expect(code).toBe(EXIT.ok);
  expect(JSON.parse(out)).toEqual({
    kind: 'proved',
    evidence: { ...evidence, means: EXPLANATIONS.report },
  });
});

test('takes the network from the settings, and Finney without any', async () => {
  await writeFile(file, REPORTS);
  const env = { EIREL_CHAIN_GENESIS: GENESIS, EIREL_NETUID: String(NETUID) };
  expect((await eirelHere(['audit', 'evidence', file], env)).code).toBe(EXIT.ok);
  const { code, out } = await eirelHere(['audit', 'evidence', file]);
  expect({ code, out }).toEqual({
    code: EXIT.mismatch,
    out: expect.stringContaining('proves nothing: wrong-network'),
  });
});

test('takes a file that an editor has ended with a line, and no other change', async () => {
  expect((await audit(`${REPORTS}\n`, ...NETWORK)).code).toBe(EXIT.ok);
  const { code, out } = await audit(`${REPORTS}\n\n`, ...NETWORK);
  expect({ code, out }).toEqual({
    code: EXIT.mismatch,
    out: expect.stringContaining('proves nothing: not-canonical'),
  });
});

test.for<[string, string | Uint8Array, readonly string[], string]>([
  ['another network', REPORTS, ['--netuid', '1'], 'wrong-netuid'],
  ['somebody else', REPORTS, ['--hotkey', OTHER], 'different-hotkeys'],
  ['rosters without an owner', FILES.at(-1)?.text ?? '', [], 'owner-unknown'],
  [
    'an explanation that is no UTF-8',
    inLatin1(REPORTS.replace('One hotkey', '\xff')),
    [],
    'not-canonical',
  ],
  ['a file that is too large', 'x'.repeat(3 * MAX_EVIDENCE_LENGTH + 2), [], 'too-large'],
])('proves nothing: %s', async ([, text, options, reason]) => {
  const { code, out, err } = await audit(text, ...NETWORK, ...options);
  expect({ code, err }).toEqual({ code: EXIT.mismatch, err: '' });
  expect(out).toMatch(new RegExp(`^proves nothing: ${reason}: `));
  const json = await audit(text, ...NETWORK, ...options, '--json');
  expect(json.code).toBe(EXIT.mismatch);
  expect(JSON.parse(json.out)).toMatchObject({ kind: 'refused', reason });
});

test.for([
  ['--genesis', '12'],
  ['--netuid', 'x'],
  ['--hotkey', 'alice'],
])('refuses %s %s', async ([option, value]) => {
  const { code, err } = await audit(REPORTS, option ?? '', value ?? '');
  expect({ code, err }).toEqual({
    code: EXIT.usage,
    err: expect.stringContaining(`field: ${option}`),
  });
});

test('says that it cannot read a file', async () => {
  const { code, err } = await eirelHere(['audit', 'evidence', '/no/such/file']);
  expect({ code, err }).toEqual({
    code: EXIT.refused,
    err: expect.stringContaining('/no/such/file'),
  });
});
