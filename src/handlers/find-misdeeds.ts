import { scoreDigest } from '../consensus/commitment.ts';
import type { SignedDocument } from '../consensus/signed.ts';
import type { Anchor } from '../events/checkpoint.ts';
import type { CommitmentFound } from '../events/commitment.ts';
import { REPORT_TYPE } from '../events/report.ts';
import type { AcceptedEvidence } from '../projectors/evidence.ts';
import type { HeldReport } from '../projectors/reports.ts';
import type { Finding } from './produce-evidence.ts';

/** What a log holds of a run's reports and commitments. */
export type RunHoldings = Readonly<{
  run: string;
  /** This validator, which accuses others. */
  self: string;
  /** Two of one hotkey are an equivocation. */
  held: readonly HeldReport[];
  committed: readonly CommitmentFound[];
  anchors: readonly Anchor[];
  accepted: readonly AcceptedEvidence[];
}>;

/**
 * What the log holds that no honest validator does: two reports of a run, two commitments to one, and a
 * report that is not the committed one. Nothing for which evidence of that kind is held already.
 */
export function findingsIn(holdings: RunHoldings): readonly Finding[] {
  const { self, accepted } = holdings;
  const isNew = (kind: Finding['kind'], hotkey: string): boolean =>
    hotkey !== self && !accepted.some((each) => each.kind === kind && each.hotkey === hotkey);
  return [
    ...twoReports(holdings).filter(({ documents: [{ hotkey }] }) => isNew('report', hotkey)),
    ...twoCommitments(holdings).filter(({ hotkey }) => isNew('commitment', hotkey)),
    ...otherReports(holdings).filter(({ document: { hotkey } }) =>
      isNew('report-vs-chain', hotkey),
    ),
  ];
}

type OfKind<Kind extends Finding['kind']> = Extract<Finding, { kind: Kind }>;

function twoReports({ held }: RunHoldings): readonly OfKind<'report'>[] {
  return [...Map.groupBy(held, ({ hotkey }) => hotkey).values()].flatMap(([one, other]) =>
    one === undefined || other === undefined
      ? []
      : [{ kind: 'report', documents: [documentOf(one), documentOf(other)] }],
  );
}

/** By the digests that were found, or by the salted commitments beside them. */
function twoCommitments({ run, committed, anchors }: RunHoldings): readonly OfKind<'commitment'>[] {
  const found = committed.flatMap(({ hotkey, first, second }) =>
    second === null ? [] : [{ hotkey, blocks: [first.block, second.block] }],
  );
  const salted = [...Map.groupBy(anchors, ({ hotkey }) => hotkey)].flatMap(([hotkey, own]) => {
    const [one, ...others] = own.filter(({ commit }) => commit !== null);
    const other = others.find(
      ({ commit, generation }) => commit !== one?.commit && generation === one?.generation,
    );
    return one === undefined || other === undefined
      ? []
      : [{ hotkey, blocks: [one.block, other.block] }];
  });
  const all = new Map([...salted, ...found].map((each) => [each.hotkey, each]));
  return [...all.values()].map((each) => ({ kind: 'commitment', run, ...each }));
}

function otherReports({ run, held, committed }: RunHoldings): readonly OfKind<'report-vs-chain'>[] {
  const first = new Map(committed.map((each) => [each.hotkey, each.first]));
  return held.flatMap((report) => {
    const commitment = first.get(report.hotkey);
    return commitment === undefined || commitment.digest === scoreDigest(report.body)
      ? []
      : [
          {
            kind: 'report-vs-chain',
            document: documentOf(report),
            run,
            block: commitment.block,
          },
        ];
  });
}

function documentOf({ hotkey, body, signature }: HeldReport): SignedDocument {
  return { alg: 'sr25519', body, hotkey, signature, type: REPORT_TYPE };
}
