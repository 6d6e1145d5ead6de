import { expect, test } from 'vitest';
import { scoreDigest } from '#src/consensus/commitment.ts';
import { sha256 } from '#src/events/hash.ts';
import { findingsIn, type RunHoldings } from '#src/handlers/find-misdeeds.ts';
import type { HeldReport } from '#src/projectors/reports.ts';
import { hotkeyOf } from '../consensus/fake-keys.ts';

const [self, a, b] = [hotkeyOf('S'), hotkeyOf('A'), hotkeyOf('B')];
const report = (hotkey: string, body: string): HeldReport => ({
  hotkey,
  body,
  digest: sha256(body),
  signature: 'ab'.repeat(64),
  origin: 'peer',
  servedBy: null,
});
const slot = (block: number, body: string) => ({ block, digest: scoreDigest(body) });
const anchor = (hotkey: string, block: number, commit: string | null, generation = 0) => ({
  hotkey,
  block,
  generation,
  size: block,
  root: sha256('root'),
  commit: commit === null ? null : sha256(commit),
});
const findings = (changes: Partial<RunHoldings>) =>
  findingsIn({
    run: 'run-7',
    self,
    held: [],
    committed: [],
    anchors: [],
    accepted: [],
    ...changes,
  });

test('honest reports and commitments are no findings', () => {
  const held = [report(self, '0'), report(a, '1'), report(b, '2')];
  const committed = [
    { hotkey: a, first: slot(101, '1'), second: null },
    { hotkey: b, first: slot(102, '2'), second: null },
  ];
  const anchors = [anchor(a, 101, 'x'), anchor(a, 150, 'x'), anchor(b, 102, null)];
  expect(findings({ held, committed, anchors })).toEqual([]);
});

test('two reports of one hotkey are found', () => {
  const found = findings({ held: [report(a, '1'), report(a, '2'), report(b, '3')] });
  expect(found).toMatchObject([
    {
      kind: 'report',
      documents: [
        { hotkey: a, body: '1' },
        { hotkey: a, body: '2' },
      ],
    },
  ]);
});

test('two commitments are found, by the digests or by the salted ones beside them', () => {
  expect(
    findings({ committed: [{ hotkey: a, first: slot(101, '1'), second: slot(105, '2') }] }),
  ).toEqual([{ kind: 'commitment', hotkey: a, run: 'run-7', blocks: [101, 105] }]);
  expect(findings({ anchors: [anchor(a, 101, 'x'), anchor(a, 107, 'y')] })).toEqual([
    { kind: 'commitment', hotkey: a, run: 'run-7', blocks: [101, 107] },
  ]);
});

test('the salt of another generation is another', () => {
  expect(findings({ anchors: [anchor(a, 101, 'x'), anchor(a, 107, 'y', 1)] })).toEqual([]);
});

test('a report that is not the committed one is found', () => {
  const committed = [{ hotkey: a, first: slot(101, 'other'), second: null }];
  expect(findings({ held: [report(a, '1')], committed })).toMatchObject([
    { kind: 'report-vs-chain', document: { hotkey: a, body: '1' }, run: 'run-7', block: 101 },
  ]);
});

test('what evidence is held for, and oneself, is not looked at again', () => {
  const held = [report(a, '1'), report(a, '2'), report(self, '1'), report(self, '2')];
  const known = {
    family: 'general_chat',
    run: 'run-3',
    kind: 'report',
    hotkey: a,
    digest: sha256('file'),
  } as const;
  expect(findings({ held, accepted: [known] })).toEqual([]);
  expect(findings({ held, accepted: [{ ...known, kind: 'commitment' }] })).toHaveLength(1);
});
