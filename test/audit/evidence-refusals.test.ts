import { describe, expect, test } from 'vitest';
import { checkEvidence } from '#src/audit/evidence.ts';
import {
  evidenceOfCheckpointAndAnchor,
  evidenceOfCheckpoints,
} from '#src/audit/evidence-checkpoints.ts';
import {
  evidenceOfCommitments,
  evidenceOfReportAndCommitment,
} from '#src/audit/evidence-commitments.ts';
import { evidenceOfReports, evidenceOfRosters } from '#src/audit/evidence-documents.ts';
import { type EvidenceFault, evidenceText } from '#src/audit/evidence-form.ts';
import { commitmentPayload } from '#src/consensus/commitment.ts';
import { signDocument } from '#src/consensus/signed.ts';
import { decode, encode, type Json } from '#src/events/ej1.ts';
import { sha256 } from '#src/events/hash.ts';
import { REPORT_TYPE } from '#src/events/report.ts';
import { formatNote, type Note } from '#src/merkle/signed-note.ts';
import { devSigner } from '../support/dev-keys.ts';
import {
  alone,
  CONTEXT,
  checkpoint,
  commitment,
  FILES,
  history,
  prefixOf,
  report,
  roster,
} from '../support/evidence-cases.ts';
import { signedCommitment } from '../support/signed-commitment.ts';

const OTHER = devSigner('other');
const NETWORK = sha256('another network');
const honest = history(300);
const forked = history(300, 5);
const prefix = await prefixOf(honest(10), forked(300));
const [reports = '', , , , ofOneSize = '', ofTwoSizes = ''] = FILES.map(({ text }) => text);

/** A file with something of it replaced, as its own author could. */
function edited(text: string, edit: (file: Record<string, Json>) => void): string {
  // safe: each file is an object
  const file = structuredClone(decode(text)) as Record<string, Json>;
  edit(file);
  return encode(file);
}

function swapped(text: string): string {
  return edited(text, (file) => {
    // safe: each file has two statements
    file['statements'] = [...(file['statements'] as Json[])].reverse();
  });
}

/** One of the statements with a member replaced. */
function restated(text: string, at: 0 | 1, change: Readonly<Record<string, Json>>): string {
  return edited(text, (file) => {
    // safe: each statement is an object
    const statements = [...(file['statements'] as Record<string, Json>[])];
    statements[at] = { ...statements[at], ...change };
    file['statements'] = statements;
  });
}

const notes = (one: Note, two: Note): string =>
  evidenceOfCheckpoints(alone({ note: one }), alone({ note: two }));
const anchored = (one: Note, second: ReturnType<typeof commitment>): string =>
  evidenceOfCheckpointAndAnchor(alone({ note: one }), alone({ commitment: second }));
const salted = (generation: number, commit: string | null) =>
  commitment(report(1), { commit, tree: { ...honest(10), generation } });
const unlined = (note: Note): Note => ({ ...note, signatures: note.signatures.slice(0, 1) });

/** Files that prove nothing, by the reason that the verifier gives. */
const REFUSED: Readonly<
  Record<Exclude<EvidenceFault, 'owner-unknown'>, Readonly<Record<string, string>>>
> = {
  'too-large': {
    'a file beyond the limit': edited(reports, (file) => {
      file['explain'] = 'x'.repeat(44_000);
    }),
    'a file that grows beyond its event when it is escaped': JSON.stringify('"'.repeat(16_500)),
  },
  'not-canonical': {
    nothing: '',
    'a space at the end': `${reports} `,
    'JSON that is no EJ1': reports.replace('"kind"', ' "kind"'),
    'a body that is no EJ1': evidenceText('report', [
      signDocument(REPORT_TYPE, '{ }', OTHER),
      report(1),
    ]),
  },
  format: { 'another version': reports.replace('eirel-evidence/1', 'eirel-evidence/2') },
  kind: { 'no kind of ours': reports.replace('"kind":"report"', '"kind":"rumour"') },
  schema: {
    'no object': 'null',
    'one statement': edited(reports, (file) => {
      file['statements'] = [];
    }),
    'a further member': edited(reports, (file) => {
      file['more'] = 1;
    }),
    'a statement of another kind': reports.replace('"kind":"report"', '"kind":"commitment"'),
    'reports as checkpoints': reports.replace('"kind":"report"', '"kind":"checkpoint"'),
    'documents of another type': reports.replace('"kind":"report"', '"kind":"roster"'),
    'a body that is no report': evidenceText('report', [
      signDocument(REPORT_TYPE, '{}', OTHER),
      report(1),
    ]),
    'an anchor without a commitment': restated(FILES[6]?.text ?? '', 1, { commitment: null }),
    'a score out of range': evidenceOfReports(report(1), report(1_000_000_001)),
  },
  'wrong-network': {
    'reports of another network': evidenceOfReports(
      report(1, { genesis: NETWORK }),
      report(2, { genesis: NETWORK }),
    ),
    'rosters of another network': evidenceOfRosters(
      roster('x', { genesis: NETWORK }),
      roster('y', { genesis: NETWORK }),
    ),
    'a report of another network': evidenceOfReportAndCommitment(
      report(1, { genesis: NETWORK }),
      commitment(report(2)),
    ),
    'checkpoints of another network': notes(
      checkpoint(honest(10), { genesis: NETWORK }),
      checkpoint(forked(10), { genesis: NETWORK }),
    ),
  },
  'wrong-netuid': {
    'reports of another subnet': evidenceOfReports(report(1), report(2, { netuid: 1 })),
    'commitments to another subnet': evidenceOfCommitments(
      commitment(report(1)),
      commitment(report(2), { netuid: 1 }),
    ),
    'checkpoints of another subnet': notes(
      checkpoint(honest(10), { netuid: 1 }),
      checkpoint(forked(10), { netuid: 1 }),
    ),
  },
  'different-hotkeys': {
    'reports of two hotkeys': evidenceOfReports(report(1), report(2, {}, OTHER)),
    'a report in the name of another': evidenceOfReports(
      report(1),
      report(2, { hotkey: OTHER.hotkey }),
    ),
    'commitments of two hotkeys': evidenceOfCommitments(
      commitment(report(1)),
      commitment(report(2), {}, OTHER),
    ),
    "a report and another's commitment": evidenceOfReportAndCommitment(
      report(1),
      commitment(report(2), {}, OTHER),
    ),
    "a checkpoint and another's anchor": anchored(
      checkpoint(honest(10)),
      commitment(report(1), { tree: forked(10) }, OTHER),
    ),
  },
  'different-families': {
    'reports of two families': evidenceOfReports(report(1), report(1, { family: 'coding' })),
  },
  'different-runs': {
    'reports of two runs': evidenceOfReports(report(1), report(1, { run: 'run-8' })),
    'commitments to two runs': evidenceOfCommitments(
      commitment(report(1)),
      commitment(report(2), { run: 'run-8' }),
    ),
    'a report and a commitment to another run': evidenceOfReportAndCommitment(
      report(1),
      commitment(report(2), { run: 'run-8' }),
    ),
  },
  'different-logs': {
    'checkpoints of two logs': notes(checkpoint(honest(10)), checkpoint(forked(10), {}, OTHER)),
    'checkpoints of two generations of a log': notes(
      checkpoint(honest(10)),
      checkpoint(forked(10), { generation: 1 }),
    ),
    'an anchor of another generation of the log': anchored(
      checkpoint(honest(10)),
      commitment(report(1), { tree: { ...forked(10), generation: 1 } }),
    ),
  },
  'no-contradiction': {
    'one report, signed twice': evidenceOfReports(report(1), report(1)),
    'one roster, signed twice': evidenceOfRosters(roster('x'), roster('x')),
    'one commitment, made twice': evidenceOfCommitments(
      commitment(report(1)),
      commitment(report(1)),
    ),
    'commitments to one report, beside two trees': evidenceOfCommitments(
      commitment(report(1), { tree: honest(10) }),
      commitment(report(1), { tree: forked(20) }),
    ),
    'a salted commitment and one without': evidenceOfCommitments(
      salted(0, sha256('one')),
      salted(0, null),
    ),
    'salted commitments of two generations': evidenceOfCommitments(
      salted(0, sha256('one')),
      salted(1, sha256('two')),
    ),
    'a report and the commitment to it': evidenceOfReportAndCommitment(
      report(1),
      commitment(report(1)),
    ),
    'one checkpoint, signed twice': notes(checkpoint(honest(10)), checkpoint(honest(10))),
    'a checkpoint and the anchor of its tree': anchored(
      checkpoint(honest(10)),
      commitment(report(1), { tree: honest(10) }),
    ),
    'a larger tree that is the smaller one grown': evidenceOfCheckpoints(
      alone({ note: checkpoint(forked(10)) }),
      { note: checkpoint(forked(300)), prefix },
    ),
  },
  order: {
    'reports the other way round': swapped(reports),
    'commitments the other way round': swapped(FILES[1]?.text ?? ''),
    'checkpoints the other way round': swapped(ofTwoSizes),
  },
  'bad-extrinsic': {
    'bytes that are no extrinsic': evidenceOfCommitments(
      { ...commitment(report(1)), extrinsic: '00' },
      commitment(report(2)),
    ),
    'another call': evidenceOfCommitments(
      signedCommitment(OTHER, {
        genesis: CONTEXT.genesis,
        netuid: CONTEXT.netuid,
        fields: [],
        call: [7, 0],
      }),
      commitment(report(2), {}, OTHER),
    ),
    "another hotkey's extrinsic": evidenceOfCommitments(
      { ...commitment(report(1), {}, OTHER), hotkey: commitment(report(1)).hotkey },
      commitment(report(2)),
    ),
  },
  'no-commitment': {
    'a first field that is none': evidenceOfCommitments(
      commitment(report(1)),
      commitment(report(2), { fields: ['text'] }),
    ),
    'no field at all': evidenceOfReportAndCommitment(
      report(1),
      commitment(report(2), { fields: [] }),
    ),
  },
  'no-anchor': {
    'a commitment without a tree': anchored(
      checkpoint(honest(10)),
      commitment(report(1), { fields: [commitmentPayload('run-7', report(1).body)] }),
    ),
  },
  'bad-note': {
    'a text that is no note': restated(ofOneSize, 0, { note: 'text' }),
    'a log of nobody': restated(ofOneSize, 0, {
      note: noteText(checkpoint(honest(10))).replace('/log/v1/', '/log/v2/'),
    }),
    'no line of the hotkey': restated(ofOneSize, 1, {
      note: noteText(unlined(checkpoint(forked(10)))),
    }),
    "lines beside the hotkey's": restated(ofOneSize, 1, {
      note: noteText(checkpoint(forked(10))),
    }),
  },
  'proof-missing': {
    'two sizes and nothing of the larger tree': notes(
      checkpoint(honest(10)),
      checkpoint(forked(300)),
    ),
    'an anchor of a larger tree, and nothing of it': anchored(
      checkpoint(honest(10)),
      commitment(report(1), { tree: forked(300) }),
    ),
  },
  'proof-needless': {
    'one size, and a prefix': restated(ofOneSize, 1, { prefix }),
    'a prefix of the smaller tree': evidenceOfCheckpoints(
      { note: checkpoint(honest(10)), prefix },
      { note: checkpoint(forked(300)), prefix },
    ),
  },
  'bad-proof': {
    'a leaf that is not in the tree': evidenceOfCheckpoints(
      alone({ note: checkpoint(honest(10)) }),
      { note: checkpoint(forked(300)), prefix: { ...prefix, leaf: sha256('leaf') } },
    ),
    'a proof of another size': evidenceOfCheckpoints(alone({ note: checkpoint(honest(11)) }), {
      note: checkpoint(forked(300)),
      prefix,
    }),
    'a smaller tree without leaves': evidenceOfCheckpoints(
      alone({ note: checkpoint({ size: 0, root: Buffer.alloc(32) }) }),
      { note: checkpoint(forked(300)), prefix },
    ),
  },
  'not-the-owner': {
    'rosters of somebody else': evidenceOfRosters(roster('x', {}, OTHER), roster('y', {}, OTHER)),
  },
  'bad-signature': {
    'a report that was signed by another': evidenceOfReports(report(1), {
      ...report(2),
      signature: report(1).signature,
    }),
    'a roster that nobody signed': evidenceOfRosters(roster('x'), {
      ...roster('y'),
      signature: '00'.repeat(64),
    }),
    'a commitment to another network': evidenceOfCommitments(
      commitment(report(1)),
      commitment(report(2), { genesis: NETWORK }),
    ),
    'a commitment whose runtime is another': evidenceOfReportAndCommitment(report(1), {
      ...commitment(report(2)),
      covers: { ...commitment(report(2)).covers, specVersion: 1 },
    }),
    'a report beside a commitment that nobody signed': evidenceOfReportAndCommitment(
      { ...report(1), signature: '00'.repeat(64) },
      commitment(report(2)),
    ),
    'a checkpoint whose text is another': notes(checkpoint(honest(10)), {
      ...checkpoint(honest(10)),
      text: checkpoint(forked(10)).text,
    }),
    'a checkpoint whose text is another, beside an anchor': anchored(
      { ...checkpoint(forked(10)), text: checkpoint(honest(10)).text },
      commitment(report(1), { tree: forked(10) }),
    ),
    'an anchor that nobody signed': anchored(checkpoint(honest(10)), {
      ...commitment(report(1), { tree: forked(10) }),
      covers: { ...commitment(report(2)).covers, specVersion: 1 },
    }),
  },
};

function noteText({ text, signatures }: Note): string {
  return Buffer.from(formatNote({ text, signatures })).toString('utf8');
}

describe.for(Object.entries(REFUSED))('refused for %s', ([reason, files]) => {
  test.for(Object.entries(files))('%s', ([, text]) => {
    expect(checkEvidence(text, CONTEXT)).toEqual({
      kind: 'refused',
      reason,
      detail: expect.any(String),
    });
  });
});

test('rosters accuse nobody as long as the owner is unknown', () => {
  const text = evidenceOfRosters(roster('x'), roster('y'));
  const { ownerHotkey: _, ...unknown } = CONTEXT;
  for (const context of [unknown, { ...unknown, ownerHotkey: null }])
    expect(checkEvidence(text, context)).toMatchObject({ reason: 'owner-unknown' });
});

test('no signature is looked at before all else was found right', () => {
  const verified: string[] = [];
  const verify: typeof CONTEXT.verify = (_message, signature) => verified.push(signature) > 0;
  const unsigned = Object.entries(REFUSED).filter(([reason]) => reason !== 'bad-signature');
  for (const [, files] of unsigned)
    for (const text of Object.values(files)) checkEvidence(text, { ...CONTEXT, verify });
  expect(verified).toEqual([]);
  for (const { text } of FILES) checkEvidence(text, { ...CONTEXT, verify });
  expect(verified).toHaveLength(2 * FILES.length);
});
