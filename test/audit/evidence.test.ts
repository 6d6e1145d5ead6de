import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkEvidence, type EvidenceCheck } from '#src/audit/evidence.ts';
import { evidenceOfCheckpoints } from '#src/audit/evidence-checkpoints.ts';
import { evidenceOfCommitments } from '#src/audit/evidence-commitments.ts';
import { evidenceOfReports, evidenceOfRosters } from '#src/audit/evidence-documents.ts';
import { type EvidenceContext, evidenceText } from '#src/audit/evidence-form.ts';
import { encode, type Json } from '#src/events/ej1.ts';
import { EvidenceAccepted, EvidenceKind } from '#src/events/evidence.ts';
import { sha256 } from '#src/events/hash.ts';
import { hotkeyOf } from '../consensus/fake-keys.ts';
import {
  ACCUSED,
  alone,
  CONTEXT,
  checkpoint,
  commitment,
  FILES,
  history,
  OWNER,
  prefixOf,
  RUN,
  report,
  roster,
} from '../support/evidence-cases.ts';

const honest = history(300);
const forked = history(300, 5);
const prefix = await prefixOf(honest(10), forked(300));

describe('evidence', () => {
  test.for(FILES)('of $name proves a misdeed', ({ kind, text }) => {
    const hotkey = kind === 'roster' ? OWNER : ACCUSED;
    const ofLog = kind.startsWith('checkpoint');
    expect(checkEvidence(text, CONTEXT)).toEqual({
      kind: 'proved',
      evidence: {
        kind,
        hotkey,
        run: ofLog ? null : RUN,
        family: ofLog || kind === 'commitment' ? null : 'general_chat',
        digest: sha256(text),
        summary: expect.stringContaining(hotkey),
        says: [expect.any(String), expect.any(String)],
      },
    });
  });

  test('has a file of each kind here', () => {
    expect(new Set(FILES.map(({ kind }) => kind))).toEqual(new Set(EvidenceKind.options));
  });

  test('is one text, in whatever order the statements were found, and whoever else signed them', () => {
    const reports = [report(1), report(2)] as const;
    expect(evidenceOfReports(reports[1], reports[0])).toBe(evidenceOfReports(...reports));
    const rosters = [roster('x'), roster('y')] as const;
    expect(evidenceOfRosters(rosters[1], rosters[0])).toBe(evidenceOfRosters(...rosters));
    const made = [commitment(reports[0]), commitment(reports[1])] as const;
    expect(evidenceOfCommitments(made[1], made[0])).toBe(evidenceOfCommitments(...made));
    const [note, forkedNote] = [checkpoint(honest(10)), checkpoint(forked(300))];
    const [smaller, larger] = [alone({ note }), { note: forkedNote, prefix }];
    const text = evidenceOfCheckpoints(smaller, larger);
    expect(evidenceOfCheckpoints(larger, smaller)).toBe(text);
    const line = { name: 'witness', keyId: 1, signature: Buffer.of(1) };
    const cosigned = alone({ note: { ...note, signatures: [...note.signatures, line] } });
    expect(evidenceOfCheckpoints(cosigned, larger)).toBe(text);
  });

  test('of the largest reports fits into its event', () => {
    const miners = Array.from({ length: 256 }, (_, at) => hotkeyOf(`Miner${at + 1}`));
    const scores = Object.fromEntries(miners.map((miner) => [miner, 999_999_999]));
    const changed = { ...scores, [hotkeyOf('Miner1')]: 999_999_998 };
    const whole = evidenceOfReports(report(1, { scores }), report(1, { scores: changed }));
    expect(checkEvidence(whole, CONTEXT)).toMatchObject({ kind: 'proved' });
    const event = { family: 'general_chat', run: RUN, kind: 'report', hotkey: ACCUSED } as const;
    const data = { ...event, digest: sha256(whole), file: whole };
    expect(EvidenceAccepted.data.parse(data)).toEqual(data);
    expect(Buffer.byteLength(encode(data))).toBeLessThan(64_000);
  });
});

describe('whatever is changed in a file', () => {
  /** Signatures that were checked before: most changes leave one of the two statements as it was. */
  const verdicts = new Map<string, boolean>();
  const verify: EvidenceContext['verify'] = (message, signature, hotkey) => {
    const key = `${sha256(message)}${signature}${hotkey}`;
    const verdict = verdicts.get(key) ?? CONTEXT.verify(message, signature, hotkey);
    verdicts.set(key, verdict);
    return verdict;
  };
  const context = { ...CONTEXT, verify };
  const accusationOf = (check: EvidenceCheck) => {
    if (check.kind === 'refused') return null;
    const { kind, hotkey, run, family } = check.evidence;
    return { kind, hotkey, run, family };
  };

  test.for(FILES)('$name: each single character', ({ text }) => {
    const whole = accusationOf(checkEvidence(text, context));
    expect(whole).not.toBeNull();
    for (let at = 0; at < text.length; at += 1) {
      const changed = String.fromCharCode(text.charCodeAt(at) ^ 1);
      const check = checkEvidence(text.slice(0, at) + changed + text.slice(at + 1), context);
      // The explanation is for people: nobody is held to it.
      expect([at, accusationOf(check) ?? whole]).toEqual([at, whole]);
      if (check.kind === 'proved') expect(at).toBeLessThan(text.indexOf('"format"'));
    }
  });

  test('it is refused or accuses the same, and nothing throws', () => {
    const file = fc.constantFrom(...FILES.map(({ text }) => text));
    const cut = fc.record({
      at: fc.nat(9_999),
      length: fc.nat(60),
      put: fc.string({ unit: 'binary' }),
    });
    fc.assert(
      fc.property(file, cut, (text, { at, length, put }) => {
        const start = at % text.length;
        const changed = text.slice(0, start) + put + text.slice(start + length);
        const whole = accusationOf(checkEvidence(text, context));
        expect(accusationOf(checkEvidence(changed, context)) ?? whole).toEqual(whole);
      }),
    );
    fc.assert(
      fc.property(json, json, fc.constantFrom(...EvidenceKind.options), (one, second, kind) => {
        expect(checkEvidence(encode(one), context).kind).toBe('refused');
        expect(checkEvidence(evidenceText(kind, [one, second]), context).kind).toBe('refused');
      }),
    );
  });
});

/** Any value that has a canonical form. */
const { json } = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false),
    fc.maxSafeInteger().map((value) => value || 0),
    fc.string({ unit: 'grapheme' }),
    fc.array(tie('json')),
    fc.dictionary(fc.stringMatching(/^[a-z]{1,9}$/), tie('json')),
  ),
}));
