import { describe, expect, test } from 'vitest';
import { checkEvidence } from '#src/audit/evidence.ts';
import { evidenceOfReports, evidenceOfRosters } from '#src/audit/evidence-documents.ts';
import type { Known, SignedCommitment } from '#src/chain/chain.ts';
import { commitmentPayload } from '#src/consensus/commitment.ts';
import { decodeCommitmentExtrinsic } from '#src/consensus/commitment-extrinsic.ts';
import { sha256 } from '#src/events/hash.ts';
import { type Finding, produceEvidence } from '#src/handlers/produce-evidence.ts';
import { formatNote, type Note } from '#src/merkle/signed-note.ts';
import type { ReadTile } from '#src/merkle/tile-proof.ts';
import {
  ACCUSED,
  CONTEXT,
  checkpoint,
  commitment,
  history,
  RUN,
  report,
  roster,
} from '../support/evidence-cases.ts';
import { neuronsFor, simulatedChain } from '../support/simulated-chain.ts';

type Statement = ReturnType<typeof commitment>;

const honest = history(300);
const forked = history(300, 5);

/** A chain whose blocks hold these extrinsics; what is not there was committed by a proxy. */
function chainOf(blocks: Readonly<Record<number, readonly Statement[]>>) {
  const asked: number[] = [];
  const commitmentExtrinsics = async (
    hotkey: string,
    numbers: readonly number[],
  ): Promise<Known<readonly SignedCommitment[]>> => {
    expect(hotkey).toBe(ACCUSED);
    asked.push(...numbers);
    const value = numbers.flatMap((block): readonly SignedCommitment[] => {
      const statements = blocks[block] ?? [];
      return statements.length === 0
        ? [{ kind: 'not-portable', block, detail: 'a proxy' }]
        : statements.map((statement) => ({
            kind: 'signed',
            block,
            fields: fieldsOf(statement),
            statement,
          }));
    });
    return { known: true, value };
  };
  return { asked, deps: { ...CONTEXT, commitmentExtrinsics } };
}

function fieldsOf({ extrinsic }: Statement): readonly (string | null)[] {
  const decoded = decodeCommitmentExtrinsic(Buffer.from(extrinsic, 'hex'));
  return decoded.kind === 'commitment' ? decoded.fields : [];
}

const shown = (note: Note, tiles: ReadTile | null = null) => ({ note: formatNote(note), tiles });

async function proved(finding: Finding, deps: ReturnType<typeof chainOf>['deps']) {
  const text = await produceEvidence(finding, deps);
  if (text === null) return null;
  const check = checkEvidence(text, CONTEXT);
  return check.kind === 'proved' ? check.evidence : check;
}

describe('signed documents', () => {
  const { asked, deps } = chainOf({});

  test('are evidence as they stand', async () => {
    const reports = [report(1), report(2)] as const;
    const text = await produceEvidence({ kind: 'report', documents: reports }, deps);
    expect(text).toBe(evidenceOfReports(...reports));
    const rosters = [roster('x'), roster('y')] as const;
    expect(await produceEvidence({ kind: 'roster', documents: rosters }, deps)).toBe(
      evidenceOfRosters(...rosters),
    );
    expect(asked).toEqual([]);
  });

  test('that nobody would accept as evidence give none', async () => {
    const same = [report(1), report(1)] as const;
    expect(await produceEvidence({ kind: 'report', documents: same }, deps)).toBeNull();
  });
});

describe('commitments', () => {
  const twice = { kind: 'commitment', hotkey: ACCUSED, run: RUN, blocks: [10, 12] } as const;
  const first = commitment(report(1));

  test('to two reports are evidence, whatever else the blocks hold', async () => {
    const { asked, deps } = chainOf({
      10: [commitment(report(1), { run: 'run-6' }), first],
      12: [commitment(report(1)), commitment(report(2))],
    });
    expect(await proved(twice, deps)).toMatchObject({ kind: 'commitment', run: RUN });
    expect(asked).toEqual([10, 12]);
  });

  test('to one report with two salts are evidence', async () => {
    const salted = (salt: string) => commitment(report(1), { commit: sha256(salt) });
    const { deps } = chainOf({ 10: [first, salted('a')], 12: [salted('b')] });
    expect(await proved(twice, deps)).toMatchObject({ kind: 'commitment', run: RUN });
  });

  test('that the hotkey did not sign itself, or that agree, give none', async () => {
    for (const blocks of [
      { 10: [first] },
      {},
      { 10: [first], 12: [commitment(report(1))] },
      { 10: [first], 12: [commitment(report(2), { run: 'run-8' })] },
    ])
      expect(await produceEvidence(twice, chainOf(blocks).deps)).toBeNull();
  });

  test('that the chain does not tell of give none', async () => {
    const { deps } = chainOf({});
    const commitmentExtrinsics = async () =>
      ({ known: false, reason: 'unavailable', detail: 'down' }) as const;
    expect(await produceEvidence(twice, { ...deps, commitmentExtrinsics })).toBeNull();
  });

  test('of a block of the simulated chain are signed, and the same for everybody', async () => {
    const { state, viewOf } = simulatedChain(neuronsFor({ accused: 1n }, []));
    const texts = [report(1), report(2)].map(({ body }) => commitmentPayload(RUN, body));
    state.block = 20;
    state.planted.push(
      { hotkey: ACCUSED, block: 10, fields: [texts[0] ?? ''] },
      { hotkey: ACCUSED, block: 12, fields: [texts[1] ?? ''] },
    );
    const ofNode = (name: string) => {
      const { commitmentExtrinsics, genesis } = viewOf(name);
      return produceEvidence(twice, { ...CONTEXT, genesis, commitmentExtrinsics });
    };
    expect(await ofNode('v1')).toEqual(expect.stringContaining('"kind":"commitment"'));
    expect(await ofNode('v2')).toBe(await ofNode('v1'));
  });
});

describe('a report', () => {
  const finding = { kind: 'report-vs-chain', document: report(1), run: RUN, block: 10 } as const;

  test('beside a commitment to another one is evidence', async () => {
    const { deps } = chainOf({ 10: [commitment(report(1)), commitment(report(2))] });
    expect(await proved(finding, deps)).toMatchObject({
      kind: 'report-vs-chain',
      family: 'general_chat',
    });
  });

  test('beside its own commitment is none', async () => {
    expect(
      await produceEvidence(finding, chainOf({ 10: [commitment(report(1))] }).deps),
    ).toBeNull();
  });
});

describe('checkpoints', () => {
  const { deps } = chainOf({});
  const pair = (one: ReturnType<typeof shown>, other: ReturnType<typeof shown>): Finding => ({
    kind: 'checkpoint',
    checkpoints: [one, other],
  });
  const small = shown(checkpoint(honest(10)));
  const { read } = forked(300);

  test('of one size need nothing else', async () => {
    const finding = pair(small, shown(checkpoint(forked(10))));
    expect(await proved(finding, deps)).toMatchObject({ kind: 'checkpoint', hotkey: ACCUSED });
  });

  test('of different sizes need the tiles of the larger tree, in either order', async () => {
    const large = shown(checkpoint(forked(300)), read);
    for (const finding of [pair(small, large), pair(large, small)])
      expect(await proved(finding, deps)).toMatchObject({ kind: 'checkpoint' });
    expect(await produceEvidence(pair(small, shown(checkpoint(forked(300)))), deps)).toBeNull();
  });

  test('of a log that grew, or that is none, are no evidence', async () => {
    const grown = shown(checkpoint(honest(300)), honest(300).read);
    const unsigned = {
      ...checkpoint(forked(10)),
      signatures: [{ name: 'x', keyId: 1, signature: Buffer.of(1) }],
    };
    for (const other of [small, grown, shown(unsigned), { note: Buffer.from('text'), tiles: null }])
      expect(await produceEvidence(pair(small, other), deps)).toBeNull();
  });

  test('a forged checkpoint accuses nobody', async () => {
    const forged = { ...checkpoint(honest(10)), text: checkpoint(forked(10)).text };
    expect(await produceEvidence(pair(small, shown(forged)), deps)).toBeNull();
  });

  test('that do not fit to an anchor are evidence, whichever is larger', async () => {
    const against = (
      anchored: ReturnType<typeof honest>,
      served: ReturnType<typeof shown>,
      tiles: ReadTile | null = null,
    ) =>
      proved(
        { kind: 'checkpoint-vs-anchor', hotkey: ACCUSED, block: 10, checkpoint: served, tiles },
        chainOf({
          10: [
            commitment(report(1), { fields: ['text'] }),
            commitment(report(1), { tree: anchored }),
          ],
        }).deps,
      );
    const kind = 'checkpoint-vs-anchor';
    expect(await against(forked(10), small)).toMatchObject({ kind });
    expect(await against(honest(10), shown(checkpoint(forked(300)), read))).toMatchObject({ kind });
    expect(await against(forked(300), small, read)).toMatchObject({ kind });
    expect(await against(forked(300), small)).toBeNull();
    expect(await against(honest(10), small)).toBeNull();
  });
});
